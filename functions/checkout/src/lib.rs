//! Taking a deposit: `POST /checkout`.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde::Serialize;
use shared::domain::salon::Salon;
use shared::http::{self, Answer, ApiError, Code, observe};
use shared::payments::{BareDeposit, Client, create_bare_deposit};

/// The largest body taken, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// The function: what it needs to answer, made once a container.
#[derive(Debug)]
pub struct Checkout {
    salon: Salon,
    stripe: Client,
}

impl Checkout {
    /// Makes the function.
    #[must_use]
    pub const fn new(salon: Salon, stripe: Client) -> Self {
        Self { salon, stripe }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let is_checkout = request.raw_http_path() == "/checkout";
        let route = if is_checkout { "/checkout" } else { "unknown" };
        let answering = async {
            match request.method() {
                _ if !is_checkout => Err(ApiError::not_found()),
                &Method::POST => self.checkout(request.body()).await,
                _ => Err(ApiError::method_not_allowed("POST")),
            }
        };
        observe(&request, route, answering).await
    }

    async fn checkout(&self, body: &Body) -> Result<Answer, ApiError> {
        match body.len() {
            0 => self.bare_deposit().await,
            1..=MAX_BODY => {
                let message =
                    "Times cannot be reserved here. A request without a body pays a deposit.";
                Err(ApiError::new(Code::NotFound, message))
            }
            _ => Err(ApiError::new(Code::BodyTooLarge, "A body may have 16 KiB.")),
        }
    }

    /// Opens a Stripe session for the salon's default deposit, which reserves
    /// nothing.
    async fn bare_deposit(&self) -> Result<Answer, ApiError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Session<'a> {
            client_secret: Option<&'a str>,
            session_id: &'a str,
        }

        if !self.salon.bare_deposits {
            let message = "This salon takes deposits for a booked time only.";
            return Err(ApiError::new(Code::NotFound, message));
        }
        let deposit = BareDeposit {
            amount: self.salon.default_deposit,
            product_name: &format!("Deposit, {}", self.salon.name),
            return_url: &self.salon.return_url,
        };
        let created = create_bare_deposit(&self.stripe, &deposit).await?;
        let session =
            Session { client_secret: created.client_secret.as_deref(), session_id: &created.id };
        let body = serde_json::to_string(&session).expect("text is always JSON");
        Ok(Answer::uncached(http::json_uncacheable(StatusCode::OK, body)))
    }
}
