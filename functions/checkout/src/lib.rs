//! `POST /checkout` reserves a time and takes its deposit; `/bookings/{id}` shows and
//! cancels a booking.

mod booking_errors;
mod booking_json;
mod checkout_request;
mod route;

use lambda_http::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use openchair::bookings::{Bookings, address_key, fingerprint, request_key};
use openchair::busy::Origin;
use openchair::clock::Clock;
use openchair::http::client_address::ClientAddresses;
use openchair::http::{self, ApiError, ErrorCode, RouteResponse, observe};
use openchair::payments::{BareDeposit, StripeClient, create_bare_deposit};
use openchair::store::booking_store::BookingStore;
use openchair::time_budget::CHECKOUT_DEADLINE;
use salon::booking::{BookingId, HoldKey, RequestKey};
use salon::invitation::Invitation;
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::timeout;

use crate::booking_errors::{cancel_error, reserve_error, too_many_deposits, unknown_booking};
use crate::checkout_request::{CheckoutRequest, Fields, object};
use crate::route::Route;

/// Maximum size of a request body, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// `Retry-After` of a request that took too long.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The checkout function. It is built once per container.
#[derive(Debug)]
pub struct Checkout<S, O> {
    bookings: Bookings<S, O, StripeClient>,
    addresses: ClientAddresses,
    clock: Clock,
}

impl<S: BookingStore, O: Origin> Checkout<S, O> {
    #[must_use]
    pub fn new(bookings: Bookings<S, O, StripeClient>, clock: Clock) -> Self {
        Self { bookings, addresses: ClientAddresses::default(), clock }
    }

    /// Finds the clients' network addresses with `addresses`.
    #[must_use]
    pub fn with_addresses(self, addresses: ClientAddresses) -> Self {
        Self { addresses, ..self }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let route = Route::of(request.raw_http_path());
        // Boxed because the future is large.
        let response = Box::pin(self.respond(&route, &request));
        let in_time = async {
            timeout(CHECKOUT_DEADLINE, response).await.unwrap_or_else(|_| {
                // Stripe is nearly always what takes this long.
                let message = "This is taking too long. Please try again.";
                Err(ApiError::new(ErrorCode::StripeBusy, message).retry_after(RETRY_AFTER_SECONDS))
            })
        };
        observe(&request, route.name(), in_time).await
    }

    async fn respond(
        &self,
        route: &Route<'_>,
        request: &Request,
    ) -> Result<RouteResponse, ApiError> {
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

    async fn checkout(&self, request: &Request) -> Result<RouteResponse, ApiError> {
        if request.body().is_empty() {
            return self.bare_deposit(request).await;
        }
        let salon = self.bookings.salon();
        let fields = Fields(object(json_body(request)?)?);
        let checkout = CheckoutRequest::parse(salon, &fields)?;
        let key = idempotency_key(request.headers())?;
        let now = self.clock.now();
        let start = checkout.when.instant(salon, now)?;
        let (customer, at) = (checkout.customer, start.to_string());
        let phone = customer.phone.to_text();
        let mut hashed = vec![
            checkout.service.id.as_str(),
            &at,
            checkout.staff.map_or("", |staff| staff.as_str()),
            customer.name.as_str(),
            &phone,
            customer.email.as_str(),
            checkout.ui.as_str(),
        ];
        hashed.extend(checkout.is_standby.then_some("standby"));
        let fingerprint = fingerprint(&hashed);
        let request = openchair::bookings::BookingRequest {
            service: checkout.service,
            start,
            staff: checkout.staff,
            customer,
            ui: checkout.ui,
            is_standby: checkout.is_standby,
            replaces: checkout.replaces,
            key,
            fingerprint,
            address: self.address(request),
        };
        match self.bookings.reserve(&request).await {
            Ok(reserved) => {
                let status = if reserved.is_new { StatusCode::CREATED } else { StatusCode::OK };
                Ok(uncacheable(
                    status,
                    booking_json::hold(salon, &reserved.booking, reserved.is_owner),
                ))
            }
            Err(error) => Err(reserve_error(salon, now, checkout.when, error)),
        }
    }

    /// Returns a hash of the client's network address.
    fn address(&self, request: &Request) -> Option<HoldKey> {
        self.addresses.of(request).map(address_key)
    }

    async fn booking(&self, id: &str) -> Result<RouteResponse, ApiError> {
        let id = BookingId::parse(id).ok_or_else(unknown_booking)?;
        let booking = self.bookings.view(&id).await?.ok_or_else(unknown_booking)?;
        Ok(uncacheable(StatusCode::OK, booking_json::booking(self.bookings.salon(), &booking)))
    }

    /// Returns the file that adds a booking to a calendar, or removes it after a
    /// cancellation. It contains no personal data, so the id is enough to get it.
    async fn calendar(&self, id: &str) -> Result<RouteResponse, ApiError> {
        let id = BookingId::parse(id).ok_or_else(unknown_booking)?;
        let booking = self.bookings.view(&id).await?.ok_or_else(unknown_booking)?;
        let Some(file) = Invitation::for_client(&booking, self.bookings.salon()) else {
            let message = "This booking has no calendar file.";
            return Err(ApiError::new(ErrorCode::NotFound, message));
        };
        let mut response = Response::new(Body::Text(file.text));
        let kind = format!("text/calendar; charset=utf-8; method={}", file.method.as_str());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(kind).expect("it is ASCII"));
        let name = HeaderValue::from_static("inline; filename=\"appointment.ics\"");
        headers.insert(header::CONTENT_DISPOSITION, name);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(RouteResponse::uncached(response))
    }

    async fn cancel(&self, id: &str, request: &Request) -> Result<RouteResponse, ApiError> {
        let fields = Fields(object(json_body(request)?)?);
        let token = fields.required("manageToken")?;
        let id = BookingId::parse(id).ok_or_else(unknown_booking)?;
        match self.bookings.cancel(&id, token, self.address(request).as_ref()).await {
            Ok(booking) => Ok(uncacheable(
                StatusCode::OK,
                booking_json::booking(self.bookings.salon(), &booking),
            )),
            Err(error) => Err(cancel_error(error)),
        }
    }

    /// Creates a Stripe session for the salon's default deposit, without reserving a
    /// time.
    async fn bare_deposit(&self, request: &Request) -> Result<RouteResponse, ApiError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Session<'a> {
            client_secret: Option<&'a str>,
            session_id: &'a str,
        }

        let salon = self.bookings.salon();
        if !salon.bare_deposits {
            let message = "This salon takes deposits only for bookings.";
            return Err(ApiError::new(ErrorCode::NotFound, message));
        }
        let address = self.address(request);
        if let Some(until) = self.bookings.count_bare_deposit(address.as_ref()).await? {
            return Err(too_many_deposits(salon, self.clock.now(), until));
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
        Ok(uncacheable(StatusCode::OK, body))
    }
}

fn uncacheable(status: StatusCode, body: String) -> RouteResponse {
    RouteResponse::uncached(http::json_uncacheable(status, body))
}

/// Returns a body's bytes, if it is small enough and declared as JSON.
fn json_body(request: &Request) -> Result<&[u8], ApiError> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > MAX_BODY {
        return Err(ApiError::new(
            ErrorCode::BodyTooLarge,
            "The request body is larger than 16 KiB.",
        ));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let message = "The request body must be JSON, with Content-Type: application/json.";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    Ok(body)
}

/// Reads the header that makes retries of a request safe.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<RequestKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (16..=255).contains(&key.len()));
    let message = "`Idempotency-Key` must be 16 to 255 random ASCII characters.";
    let key = key.ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidParameter, message).for_field("idempotency-key")
    })?;
    Ok(Some(request_key(key)))
}
