//! Ids, tokens, names of states, and what is logged.

use super::*;

#[test]
fn a_booking_id_is_32_lower_case_hexadecimal_digits() {
    let id = "0123456789abcdef0123456789abcdef";
    assert_eq!(BookingId::parse(id).map(|id| id.to_string()).as_deref(), Some(id));
    assert_eq!(
        BookingId::parse(id),
        Some(BookingId::from_bits(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))
    );
    assert_eq!(BookingId::from_bits(0xa).as_str(), "0000000000000000000000000000000a");
    for wrong in [
        "",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdeg0123456789abcdef",
        "0123456789abcdef-123456789abcdef",
        "0123456789abcdef0123456789abcd\u{e9}",
    ] {
        assert_eq!(BookingId::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn only_its_own_manage_token_matches() {
    let token = ManageToken::from_bits(0xf);
    assert_eq!(token.expose(), "0000000000000000000000000000000f");
    assert!(token.matches("0000000000000000000000000000000f"));
    for other in ["", "f", "0000000000000000000000000000000F", "0000000000000000000000000000001f"] {
        assert!(!token.matches(other), "{other:?}");
    }
    assert_eq!(token, ManageToken::from_stored("0000000000000000000000000000000f".to_owned()));
    assert_ne!(token, ManageToken::from_bits(0x1f));
}

#[test]
fn every_state_has_its_name_and_says_what_is_undecided() {
    // name, whether the payment is undecided, whether the client has to finish the session
    let table = [
        ("held", true, true),
        ("processing", true, false),
        ("confirmed", false, false),
        ("expired", false, false),
        ("cancelled", false, false),
        ("refunding", false, false),
        ("refunded", false, false),
        ("refund_failed", false, false),
        ("standby", true, true),
        ("in_line", true, false),
        ("capturing", true, false),
        ("released", false, false),
    ];
    for (state, (name, is_open, awaits_client)) in State::ALL.into_iter().zip(table) {
        assert_eq!((state.as_str(), state.to_string().as_str()), (name, name));
        assert_eq!(State::from_name(name), Some(state));
        assert_eq!((state.is_open(), state.awaits_client()), (is_open, awaits_client), "{name}");
    }
    assert_eq!(State::from_name("Held"), None);
}

#[test]
fn the_log_shows_which_session_it_is_and_nothing_secret() {
    let session = Session {
        id: "cs_1".to_owned(),
        client_secret: Some("the-secret".to_owned()),
        url: Some("https://pay.example".to_owned()),
    };
    let form = "customer_email=ada%40example.com".to_owned();
    let checkout = Checkout { session: Some(session), form, ..booking(State::Held).checkout };
    let shown = format!("{checkout:?}");
    for useful in ["checkout-1-1", "expires_at", "cs_1"] {
        assert!(shown.contains(useful), "{useful} is missing in {shown}");
    }
    for secret in ["the-secret", "pay.example", "ada"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
