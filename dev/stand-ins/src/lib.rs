//! What takes the place of the services that the functions use, on this machine.
//!
//! | module | stands in for |
//! |---|---|
//! | [`sandbox`] | Stripe: Checkout, refunds, webhooks, and the page on which one pays |
//! | [`fake_google`] | Google Calendar and its tokens |
//! | [`mailbox`] | Amazon SES: keeps mails and shows them |
//! | [`gateway_event`] | API Gateway: the events that it sends to a function |

pub mod fake_google;
pub mod gateway_event;
pub mod mailbox;
pub mod sandbox;
