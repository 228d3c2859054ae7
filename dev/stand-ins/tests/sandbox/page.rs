//! The payment page, used as a browser does.

use axum::http::StatusCode;
use jiff::SignedDuration;
use stand_ins::sandbox::{PaymentState, PaymentStatus, Sandbox, SandboxOptions, SessionStatus};
use tokio::net::TcpListener;

use crate::harness::{Bench, Form, SESSIONS};

const PAYS: &str = "4242 4242 4242 4242";
const DECLINED: &str = "4000 0000 0000 0002";
const CHALLENGED: &str = "4000 0025 0000 3155";

#[tokio::test]
async fn the_page_shows_the_items_and_that_no_money_moves() {
    let bench = Bench::new();
    for form in [Form::hosted(), Form::embedded(), Form::elements()] {
        let id = bench.open(&form).await;
        let page = bench.get(&format!("/pay/{id}")).await;
        assert_eq!(page.status, StatusCode::OK);
        for text in ["Deposit: Glass Skin Facial", "50.00 USD", "No money moves", "24 hours"] {
            assert!(page.text.contains(text), "{text} in {}", page.text);
        }
        for external in ["src=", "<link", "url(", "@import"] {
            assert!(!page.text.contains(external), "the page needs nothing else: {external}");
        }
    }
    assert_eq!(bench.get("/pay/cs_test_none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn text_of_merchants_and_payers_is_escaped() {
    let bench = Bench::new();
    let name = "line_items[0][price_data][product_data][name]";
    let form = Form::hosted().set(name, "<script>alert(1)</script>");
    let id = bench.open(&form).await;
    let page = bench.get(&format!("/pay/{id}?card=%22%3E%3Cscript%3E")).await;
    assert!(page.text.contains("&lt;script&gt;alert(1)"));
    assert!(!page.text.contains("<script"));
    let typed = bench.press(&id, "pay", "\"><script>").await;
    assert!(!typed.text.contains("<script"));
}

#[tokio::test]
async fn paying_completes_the_session_once_and_redirects_to_the_merchant() {
    let bench = Bench::new();
    for form in [Form::hosted(), Form::embedded(), Form::elements()] {
        let id = bench.open(&form).await;
        let first = bench.press(&id, "pay", PAYS).await;
        let back = format!("https://salon.example/done?s={id}");
        assert_eq!(first.status, StatusCode::SEE_OTHER);
        assert_eq!(first.header("location"), Some(&*back));
        let session = bench.sandbox.session(&id).unwrap();
        assert_eq!(session.status, SessionStatus::Complete);
        assert_eq!(session.payment_status, PaymentStatus::Paid);
        assert!(session.payment_intent.as_ref().unwrap().starts_with("pi_"));

        let second = bench.press(&id, "pay", PAYS).await;
        assert_eq!(second.header("location"), Some(&*back), "twice is harmless");
        let again = bench.sandbox.session(&id).unwrap();
        assert_eq!(again.payment_intent, session.payment_intent, "there is one payment");
        let page = bench.get(&format!("/pay/{id}")).await;
        assert!(page.text.contains("The payment succeeded"));
    }
}

#[tokio::test]
async fn a_declined_card_can_be_tried_again() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    for (action, card, message) in [
        ("pay", DECLINED, "Your card was declined."),
        ("pay", "4000000000009995", "Your card has insufficient funds."),
        ("decline", PAYS, "Your card was declined."),
        ("fail_authentication", CHALLENGED, "could not confirm that it is you"),
    ] {
        let page = bench.press(&id, action, card).await;
        assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED, "{action} {card}");
        assert!(page.text.contains(message), "{message}");
    }
    let typo = bench.press(&id, "pay", "4242 4242").await;
    assert_eq!(typo.status, StatusCode::PAYMENT_REQUIRED);
    let session = bench.sandbox.session(&id).unwrap();
    assert_eq!(session.status, SessionStatus::Open);
    assert_eq!(bench.press(&id, "pay", PAYS).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_challenge_is_required_before_the_payment() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    let challenge = bench.press(&id, "pay", CHALLENGED).await;
    assert!(challenge.text.contains("Confirm with your bank"));
    assert_eq!(bench.sandbox.session(&id).unwrap().status, SessionStatus::Open);
    let passed = bench.press(&id, "authenticate", CHALLENGED).await;
    assert_eq!(passed.status, StatusCode::SEE_OTHER);
    let session = bench.sandbox.session(&id).unwrap();
    assert_eq!(session.payment_status, PaymentStatus::Paid);
}

#[tokio::test]
async fn a_debit_completes_unpaid_and_is_settled_later() {
    let bench = Bench::new();
    for (action, state, status) in [
        ("settle", PaymentState::Succeeded, PaymentStatus::Paid),
        ("bounce", PaymentState::Failed, PaymentStatus::Unpaid),
    ] {
        let id = bench.open(&Form::hosted()).await;
        let debited = bench.press(&id, "debit", "").await;
        assert_eq!(debited.status, StatusCode::SEE_OTHER);
        let session = bench.sandbox.session(&id).unwrap();
        assert_eq!(session.status, SessionStatus::Complete);
        assert_eq!(session.payment_status, PaymentStatus::Unpaid);

        // A day later: a complete session does not expire.
        bench.advance(SignedDuration::from_hours(48));
        let settled = bench.press(&id, action, "").await;
        assert_eq!(settled.header("location"), Some(&*format!("/pay/{id}")));
        assert_eq!(bench.sandbox.payment(&id).unwrap().state, state);
        assert_eq!(bench.sandbox.session(&id).unwrap().payment_status, status);
        assert!(bench.sandbox.settle(&id, true).is_err(), "it settles once");
    }
}

#[tokio::test]
async fn a_session_for_cards_accepts_no_debit() {
    let bench = Bench::new();
    let form = Form::hosted().set("allowed_payment_method_types[0]", "card");
    let id = bench.open(&form).await;
    assert!(!bench.get(&format!("/pay/{id}")).await.text.contains("bank debit"));
    bench.press(&id, "debit", "").await;
    assert_eq!(bench.sandbox.session(&id).unwrap().status, SessionStatus::Open);
}

#[tokio::test]
async fn an_expired_session_cannot_be_paid() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    bench.advance(SignedDuration::from_hours(24));
    for page in [
        bench.get(&format!("/pay/{id}")).await,
        bench.press(&id, "pay", PAYS).await,
        bench.press(&id, "pay", CHALLENGED).await,
        bench.press(&id, "decline", PAYS).await,
        bench.press(&id, "debit", "").await,
    ] {
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.text.contains("This session has expired"));
    }
    assert!(bench.sandbox.payment(&id).is_none());
}

#[tokio::test]
async fn leaving_redirects_to_the_cancel_url_if_there_is_one() {
    let bench = Bench::new();
    let hosted = bench.open(&Form::hosted()).await;
    let left = bench.press(&hosted, "leave", "").await;
    assert_eq!(left.header("location"), Some("https://salon.example/book"));
    let embedded = bench.open(&Form::embedded()).await;
    let left = bench.press(&embedded, "leave", "").await;
    assert!(left.text.contains("You left without paying"));
    assert_eq!(bench.sandbox.session(&hosted).unwrap().status, SessionStatus::Open);
}

#[tokio::test]
async fn a_payment_works_over_http_from_start_to_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = Sandbox::start(SandboxOptions::default(), listener).unwrap();
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client
        .post(format!("{}{SESSIONS}", serving.url()))
        .bearer_auth("sk_test_sandbox")
        .form(&[
            ("mode", "payment"),
            ("success_url", "https://salon.example/done?s={CHECKOUT_SESSION_ID}"),
            ("line_items[0][quantity]", "2"),
            ("line_items[0][price_data][currency]", "eur"),
            ("line_items[0][price_data][unit_amount]", "2500"),
            ("line_items[0][price_data][product_data][name]", "Anzahlung"),
        ])
        .send()
        .await
        .unwrap();
    let session: serde_json::Value = answer.json().await.unwrap();
    let url = session["url"].as_str().expect("a page to pay on");
    assert!(url.starts_with(serving.url()), "{url}");
    let page = client.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("50.00 EUR"));

    let form = [("action", "pay"), ("card", PAYS)];
    let paid = client.post(url).form(&form).send().await.unwrap();
    assert_eq!(paid.status(), StatusCode::SEE_OTHER);
    let id = session["id"].as_str().unwrap();
    let session = serving.sandbox().session(id).unwrap();
    assert_eq!(session.payment_status, PaymentStatus::Paid);
    let calls = serving.sandbox().requests();
    assert_eq!(calls["POST /v1/checkout/sessions"], 1, "the page is no API call");
}
