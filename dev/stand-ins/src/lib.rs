//! Local stand-ins for the services that the functions use.
//!
//! | module | stands in for |
//! |---|---|
//! | [`sandbox`] | Stripe: Checkout, refunds, webhooks and the payment page |
//! | [`fake_google`] | Google Calendar and its tokens |
//! | [`mailbox`] | Amazon SES: stores mails and shows them in a browser |
//! | [`dynamodb_table`] | the template: creates the table |
//! | [`gateway_event`] | API Gateway: the events that it sends to a function |

pub mod dynamodb_table;
pub mod fake_google;
pub mod gateway_event;
pub mod mailbox;
mod page;
pub mod sandbox;
mod serving;
