//! `GET /availability` and `GET /services`: open time, start times, and the menu.
//!
//! The container keeps a snapshot of the staff's busy times for 60 s, and with it the
//! response bodies made from it. A request whose body is there does no I/O.

mod availability_json;
mod query;
mod snapshot;

use std::sync::Arc;

use lambda_http::http::Method;
use lambda_http::{Body, Request, RequestExt, Response};
use openchair::busy::{BusyReader, Origin};
use openchair::http::caching::{CacheableBody, wants_current};
use openchair::http::{ApiError, CacheLevel, RouteResponse, observe};
use openchair::store::Store;
use openchair::telemetry::chain;
use openchair::time_budget::WARM_UP_TIMEOUT;
use salon::Salon;

use crate::query::Query;
use crate::snapshot::{Freshness, Snapshots};

/// The function, made once per container.
#[derive(Debug)]
pub struct Availability<S, O> {
    salon: Arc<Salon>,
    snapshots: Snapshots<S, O>,
    menu: CacheableBody,
}

#[derive(Clone, Copy)]
enum Route {
    Availability,
    Services,
    Unknown,
}

impl Route {
    fn of(request: &Request) -> Self {
        match request.raw_http_path() {
            "/availability" => Self::Availability,
            "/services" => Self::Services,
            _ => Self::Unknown,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Availability => "/availability",
            Self::Services => "/services",
            Self::Unknown => "unknown",
        }
    }
}

impl<S: Store, O: Origin> Availability<S, O> {
    /// Makes the function. The body of the menu, which never changes, is made here.
    #[must_use]
    pub fn new(salon: Salon, reader: BusyReader<S, O>) -> Self {
        let salon = Arc::new(salon);
        let menu = CacheableBody::new(availability_json::menu(&salon));
        Self { snapshots: Snapshots::new(Arc::clone(&salon), reader), salon, menu }
    }

    /// Takes the first snapshot while the container starts, with Lambda's full CPU. The
    /// connection stays open for the next snapshot.
    ///
    /// A table that does not answer delays the start for 2 s at most. The first request
    /// then tries again.
    pub async fn warm_up(&self) {
        match tokio::time::timeout(WARM_UP_TIMEOUT, self.snapshots.get(Freshness::Cached)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    error.cause = chain(&error),
                    "First snapshot failed, the first request takes it"
                );
            }
            Err(_) => tracing::warn!("First snapshot timed out, the first request takes it"),
        }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let route = Route::of(&request);
        observe(&request, route.name(), self.respond(route, &request)).await
    }

    async fn respond(&self, route: Route, request: &Request) -> Result<RouteResponse, ApiError> {
        match (route, request.method()) {
            (Route::Unknown, _) => Err(ApiError::not_found()),
            (Route::Availability, &Method::GET) => self.availability(request).await,
            (Route::Services, &Method::GET) => Ok(self.services(request)),
            (Route::Availability | Route::Services, _) => Err(ApiError::method_not_allowed("GET")),
        }
    }

    async fn availability(&self, request: &Request) -> Result<RouteResponse, ApiError> {
        let parameters = request.query_string_parameters_ref();
        let query = Query::parse(&self.salon, |name| parameters.and_then(|all| all.first(name)))?;
        let freshness =
            if wants_current(request.headers()) { Freshness::Current } else { Freshness::Cached };
        let (snapshot, level) = self.snapshots.get(freshness).await?;
        let body = match snapshot.known_body(&query) {
            Some(body) => body,
            None => snapshot.body(&self.salon, query)?,
        };
        let age = self.snapshots.age_seconds(&snapshot);
        Ok(RouteResponse::from_cache(
            body.response(request.headers(), "public, max-age=60", age),
            level,
        ))
    }

    fn services(&self, request: &Request) -> RouteResponse {
        // The menu is part of the deployment, so its age is zero.
        let response = self.menu.response(request.headers(), "public, max-age=3600", 0);
        RouteResponse::from_cache(response, CacheLevel::Container)
    }
}
