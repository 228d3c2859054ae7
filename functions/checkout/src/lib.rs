//! Reserving a time and paying its deposit: `POST /checkout`, and what becomes
//! of it: `/bookings/{id}`.

mod body;
mod refusal;
mod request;
mod route;

use std::net::IpAddr;

use lambda_http::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use openchair::bookings::{Bookings, address_key, fingerprint, request_key};
use openchair::busy::Origin;
use openchair::clock::Clock;
use openchair::http::{self, Answer, ApiError, Code, observe};
use openchair::payments::{BareDeposit, StripeClient, create_bare_deposit};
use openchair::store::booking_store::BookingStore;
use openchair::time_budget::CHECKOUT_DEADLINE;
use salon::booking::{BookingId, HoldKey, RequestKey};
use salon::invitation::Invitation;
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::timeout;

use crate::refusal::{not_cancelled, not_reserved, unknown_booking};
use crate::request::{Fields, Wanted, object};
use crate::route::Route;

/// The largest body taken, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// When one that took longer may be repeated.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The function: what it needs to answer, made once a container.
#[derive(Debug)]
pub struct Checkout<S, O> {
    bookings: Bookings<S, O, StripeClient>,
    clock: Clock,
}

impl<S: BookingStore, O: Origin> Checkout<S, O> {
    /// Makes the function.
    #[must_use]
    pub const fn new(bookings: Bookings<S, O, StripeClient>, clock: Clock) -> Self {
        Self { bookings, clock }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let route = Route::of(request.raw_http_path());
        // Boxed: what waits for the table and for Stripe is large.
        let answering = Box::pin(self.answer(&route, &request));
        let in_time = async {
            timeout(CHECKOUT_DEADLINE, answering).await.unwrap_or_else(|_| {
                let message = "This takes too long at the moment. Please try again.";
                Err(ApiError::new(Code::StripeBusy, message).retry_after(RETRY_AFTER_SECONDS))
            })
        };
        observe(&request, route.name(), in_time).await
    }

    async fn answer(&self, route: &Route<'_>, request: &Request) -> Result<Answer, ApiError> {
        let method = request.method();
        match *route {
            Route::Checkout if method == Method::POST => self.checkout(request).await,
            Route::Booking(id) if method == Method::GET => self.booking(id).await,
            Route::Cancel(id) if method == Method::POST => self.cancel(id, request).await,
            Route::Calendar(id) if method == Method::GET => self.calendar(id).await,
            Route::Checkout | Route::Cancel(_) => Err(ApiError::method_not_allowed("POST")),
            Route::Booking(_) | Route::Calendar(_) => Err(ApiError::method_not_allowed("GET")),
            Route::Unknown => Err(ApiError::not_found()),
        }
    }

    async fn checkout(&self, request: &Request) -> Result<Answer, ApiError> {
        if request.body().is_empty() {
            return self.bare_deposit().await;
        }
        let body = json_body(request)?;
        let salon = self.bookings.salon();
        let wanted = Wanted::parse(salon, body)?;
        let key = idempotency_key(request.headers())?;
        let now = self.clock.now();
        let start = wanted.when.instant(salon, now)?;
        let (customer, at) = (wanted.customer, start.to_string());
        let fingerprint = fingerprint(&[
            wanted.service.id.as_str(),
            &at,
            wanted.staff.map_or("", |staff| staff.as_str()),
            customer.name.as_str(),
            customer.phone.as_str(),
            customer.email.as_str(),
            wanted.ui.as_str(),
        ]);
        let request = openchair::bookings::Request {
            service: wanted.service,
            start,
            staff: wanted.staff,
            customer,
            ui: wanted.ui,
            key,
            fingerprint,
            address: address(request),
        };
        match self.bookings.reserve(&request).await {
            Ok(reserved) => {
                let status = if reserved.is_new { StatusCode::CREATED } else { StatusCode::OK };
                Ok(answer(status, body::hold(salon, &reserved.booking)))
            }
            Err(error) => Err(not_reserved(salon, now, wanted.when, error)),
        }
    }

    async fn booking(&self, id: &str) -> Result<Answer, ApiError> {
        let id = BookingId::parse(id).ok_or_else(unknown_booking)?;
        let booking = self.bookings.look(&id).await?.ok_or_else(unknown_booking)?;
        Ok(answer(StatusCode::OK, body::booking(self.bookings.salon(), &booking)))
    }

    /// Answers with the file that puts a booking into a calendar, or after a
    /// cancellation takes it out. Nothing in it is personal: the id is enough.
    async fn calendar(&self, id: &str) -> Result<Answer, ApiError> {
        let id = BookingId::parse(id).ok_or_else(unknown_booking)?;
        let booking = self.bookings.look(&id).await?.ok_or_else(unknown_booking)?;
        let Some(file) = Invitation::for_client(&booking, self.bookings.salon()) else {
            let message = "Only a confirmed booking has a place in a calendar.";
            return Err(ApiError::new(Code::NotFound, message));
        };
        let mut response = Response::new(Body::Text(file.text));
        let kind = format!("text/calendar; charset=utf-8; method={}", file.method.as_str());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(kind).expect("it is ASCII"));
        let name = HeaderValue::from_static("inline; filename=\"appointment.ics\"");
        headers.insert(header::CONTENT_DISPOSITION, name);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(Answer::uncached(response))
    }

    async fn cancel(&self, id: &str, request: &Request) -> Result<Answer, ApiError> {
        let fields = Fields(object(json_body(request)?)?);
        let token = fields.required("manageToken")?;
        let id = BookingId::parse(id).ok_or_else(unknown_booking)?;
        match self.bookings.cancel(&id, token).await {
            Ok(booking) => {
                Ok(answer(StatusCode::OK, body::booking(self.bookings.salon(), &booking)))
            }
            Err(error) => Err(not_cancelled(error)),
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

        let salon = self.bookings.salon();
        if !salon.bare_deposits {
            let message = "This salon takes deposits for a booked time only.";
            return Err(ApiError::new(Code::NotFound, message));
        }
        let deposit = BareDeposit {
            amount: salon.default_deposit,
            product_name: &format!("Deposit, {}", salon.name),
            return_url: &salon.return_url,
        };
        let created = create_bare_deposit(self.bookings.payments(), &deposit).await?;
        let client_secret = created.client_secret.as_ref().map(ExposeSecret::expose_secret);
        let session = Session { client_secret, session_id: &created.id };
        let body = serde_json::to_string(&session).expect("text is always JSON");
        Ok(answer(StatusCode::OK, body))
    }
}

fn answer(status: StatusCode, body: String) -> Answer {
    Answer::uncached(http::json_uncacheable(status, body))
}

/// Returns the bytes of a body that says it is JSON.
fn json_body(request: &Request) -> Result<&[u8], ApiError> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > MAX_BODY {
        return Err(ApiError::new(Code::BodyTooLarge, "A body may have 16 KiB."));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let message = "A body must be JSON, and say so: Content-Type: application/json.";
        return Err(ApiError::new(Code::UnsupportedMediaType, message));
    }
    Ok(body)
}

/// Reads the header that makes a repeat of a request safe.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<RequestKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (16..=255).contains(&key.len()));
    let message = "An `Idempotency-Key` has 16 to 255 characters of ASCII, drawn at random.";
    let key =
        key.ok_or_else(|| ApiError::new(Code::InvalidParameter, message).at("idempotency-key"))?;
    Ok(Some(request_key(key)))
}

/// Returns where a request came from, as the gateway saw it. A header could
/// say anything.
fn address(request: &Request) -> Option<HoldKey> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    let address: IpAddr = context.http.source_ip.as_deref()?.parse().ok()?;
    Some(address_key(address))
}
