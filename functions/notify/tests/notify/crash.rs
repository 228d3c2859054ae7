use jiff::SignedDuration;

use crate::harness::Harness;

/// Longer than an effect is claimed.
const LATER: SignedDuration = SignedDuration::from_secs(16);
/// A mail to the visitor, one to the owner, and an event.
const EFFECTS: usize = 3;

#[tokio::test]
async fn a_crash_between_two_effects_neither_repeats_nor_loses_one() {
    for done in 0..=EFFECTS {
        let harness = Harness::new().await;
        let (booking, record) = harness.pay(1).await;
        let is_over = || harness.store.effects(&booking.id).len() >= done;
        harness.deliver_until(&[&record], is_over).await;
        assert_eq!(harness.store.effects(&booking.id).len(), done, "it was killed in time");
        assert_eq!(harness.mails().len(), done.min(2), "after {done} effects");

        harness.clock.advance(LATER);
        assert_eq!(harness.deliver(&[&record]).await, [""; 0], "after {done} effects");
        let copies: Vec<_> = harness.copies().into_values().collect();
        assert_eq!(copies, [1, 1], "after {done} effects");
        assert_eq!(harness.events().len(), 1, "after {done} effects");
    }
}

/// Nothing can tell whether a mail went out whose answer was not heard. It is
/// sent again: rather twice than never.
#[tokio::test]
async fn a_crash_anywhere_repeats_at_most_the_effect_under_way() {
    let mut steps = 0_usize;
    loop {
        let harness = Harness::new().await;
        let (booking, record) = harness.pay(1).await;
        let mut left = steps;
        let mut was_killed = true;
        harness
            .deliver_until(&[&record], || {
                was_killed = left == 0;
                left = left.saturating_sub(1);
                was_killed
            })
            .await;
        let done = harness.store.effects(&booking.id).len();

        harness.clock.advance(LATER);
        assert_eq!(harness.deliver(&[&record]).await, [""; 0], "killed after {steps} steps");
        assert_eq!(harness.store.effects(&booking.id).len(), EFFECTS);
        let copies: Vec<_> = harness.copies().into_values().collect();
        assert_eq!(copies.len(), 2, "both are told; killed after {steps} steps");
        let repeated = copies.iter().sum::<usize>() - 2;
        assert!(repeated <= usize::from(done < 2), "{copies:?}; killed after {steps} steps");
        assert_eq!(harness.events().len(), 1, "killed after {steps} steps");
        if !was_killed {
            break;
        }
        steps += 1;
    }
    assert!(steps > EFFECTS, "there are steps to be killed between");
}

#[tokio::test]
async fn the_claim_of_a_crashed_delivery_holds_until_it_ends() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    let mailbox = harness.mailbox().clone();
    harness.deliver_until(&[&record], || !mailbox.received().is_empty()).await;
    let failed = harness.deliver(&[&record]).await;
    assert_eq!(failed.len(), 1, "the visitor's mail may still be on its way");
    harness.clock.advance(LATER);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
}
