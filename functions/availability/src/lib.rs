//! When a chair is free: `GET /availability` and `GET /services`.
//!
//! A snapshot of the staff's busy times is kept in the container for 60 s, and
//! with it every body that has been made of it. A request that finds its body
//! there costs no I/O.

mod body;
mod query;
mod snapshot;

use std::sync::Arc;

use lambda_http::http::Method;
use lambda_http::{Body, Request, RequestExt, Response};
use openchair::busy::{BusyReader, Origin};
use openchair::http::caching::{CacheableBody, wants_current};
use openchair::http::{Answer, ApiError, CacheLevel, observe};
use openchair::store::Store;
use openchair::telemetry::chain;
use openchair::time_budget::WARM_UP_TIMEOUT;
use salon::Salon;

use crate::query::Query;
use crate::snapshot::{Snapshots, Wanted};

/// The function: what it needs to answer, made once a container.
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
    /// Makes the function, and the menu, which never changes.
    #[must_use]
    pub fn new(salon: Salon, reader: BusyReader<S, O>) -> Self {
        let salon = Arc::new(salon);
        let menu = CacheableBody::new(body::menu(&salon));
        Self { snapshots: Snapshots::new(Arc::clone(&salon), reader), salon, menu }
    }

    /// Takes the first snapshot while the container starts: Lambda gives it a
    /// full CPU then, and the connection stays open for the next one.
    ///
    /// A table that does not answer delays nobody for long. The first request
    /// asks it again.
    pub async fn warm_up(&self) {
        match tokio::time::timeout(WARM_UP_TIMEOUT, self.snapshots.get(Wanted::Cached)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error.cause = chain(&error), "No snapshot was taken at the start");
            }
            Err(_) => tracing::warn!("The table did not answer at the start"),
        }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let route = Route::of(&request);
        observe(&request, route.name(), self.answer(route, &request)).await
    }

    async fn answer(&self, route: Route, request: &Request) -> Result<Answer, ApiError> {
        match (route, request.method()) {
            (Route::Unknown, _) => Err(ApiError::not_found()),
            (Route::Availability, &Method::GET) => self.availability(request).await,
            (Route::Services, &Method::GET) => Ok(self.services(request)),
            (Route::Availability | Route::Services, _) => Err(ApiError::method_not_allowed("GET")),
        }
    }

    async fn availability(&self, request: &Request) -> Result<Answer, ApiError> {
        let parameters = request.query_string_parameters_ref();
        let query = Query::parse(&self.salon, |name| parameters.and_then(|all| all.first(name)))?;
        let wanted =
            if wants_current(request.headers()) { Wanted::Current } else { Wanted::Cached };
        let (snapshot, level) = self.snapshots.get(wanted).await?;
        let body = match snapshot.known_body(&query) {
            Some(body) => body,
            None => snapshot.body(&self.salon, query)?,
        };
        let age = self.snapshots.age_seconds(&snapshot);
        Ok(Answer::from_cache(body.response(request.headers(), "public, max-age=60", age), level))
    }

    fn services(&self, request: &Request) -> Answer {
        // The menu is part of the deployment, so it is as new as can be.
        let response = self.menu.response(request.headers(), "public, max-age=3600", 0);
        Answer::from_cache(response, CacheLevel::Container)
    }
}
