use openchair::store::outbox::{Claim, Effect, Outbox};
use salon::booking::BookingId;

use crate::harness::{at, promises};

promises! {
    an_effect_is_carried_out_by_one_at_a_time_and_once
    a_claim_that_was_given_back_can_be_taken_at_once
    effects_of_other_versions_and_bookings_are_independent
    one_of_many_callers_gets_the_claim
}

const MAIL: Effect = Effect { name: "mail-visitor", version: 3 };

fn id(bits: u128) -> BookingId {
    BookingId::from_bits(bits)
}

async fn claim(store: &impl Outbox, now: i64) -> Claim {
    store.claim(&id(1), MAIL, at(now), at(now + 15), at(9_000)).await.expect("a claim")
}

async fn an_effect_is_carried_out_by_one_at_a_time_and_once(store: impl Outbox) {
    assert_eq!(claim(&store, 100).await, Claim::Taken);
    assert_eq!(claim(&store, 114).await, Claim::Refused);
    assert_eq!(claim(&store, 115).await, Claim::TakenAgain);
    store.mark_done(&id(1), MAIL, at(116), at(9_000)).await.expect("marked");
    assert_eq!(claim(&store, 117).await, Claim::Done);
    assert_eq!(claim(&store, 1_000).await, Claim::Done);
}

async fn a_claim_that_was_given_back_can_be_taken_at_once(store: impl Outbox) {
    assert_eq!(claim(&store, 100).await, Claim::Taken);
    // Somebody else's, from before, changes nothing.
    store.release_claim(&id(1), MAIL, at(114)).await.expect("heard");
    assert_eq!(claim(&store, 101).await, Claim::Refused);
    store.release_claim(&id(1), MAIL, at(115)).await.expect("given back");
    assert_eq!(claim(&store, 101).await, Claim::Taken);
}

async fn effects_of_other_versions_and_bookings_are_independent(store: impl Outbox) {
    let claim = async |id: BookingId, effect| {
        store.claim(&id, effect, at(100), at(115), at(9_000)).await.expect("a claim")
    };
    assert_eq!(claim(id(1), MAIL).await, Claim::Taken);
    assert_eq!(claim(id(2), MAIL).await, Claim::Taken);
    assert_eq!(claim(id(1), Effect { version: 4, ..MAIL }).await, Claim::Taken);
    assert_eq!(claim(id(1), Effect { name: "mail-owner", ..MAIL }).await, Claim::Taken);
    assert_eq!(claim(id(1), MAIL).await, Claim::Refused);
}

async fn one_of_many_callers_gets_the_claim(store: impl Outbox) {
    let claims = (0..8).map(|_| claim(&store, 100));
    let claims = futures_util::future::join_all(claims).await;
    let taken = claims.iter().filter(|claim| **claim == Claim::Taken).count();
    assert_eq!((taken, claims.len()), (1, 8), "{claims:?}");
    assert!(!claims.contains(&Claim::TakenAgain), "{claims:?}");
}
