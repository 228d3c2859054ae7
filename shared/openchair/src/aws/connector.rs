use std::error::Error;
use std::io;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Error as SendError;

use crate::https::HttpsClient;

/// Sends the SDK's requests with our HTTPS client.
///
/// The client limits the time to connect. The SDK applies all other timeouts.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) HttpsClient);

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let https = self.0.clone();
        HttpConnectorFuture::new(async move {
            let unsendable = |error: Box<dyn Error + Send + Sync>| ConnectorError::user(error);
            let request = request.try_into_http1x().map_err(|error| unsendable(error.into()))?;
            let (head, body) = request.into_parts();
            let body = body.bytes().ok_or_else(|| unsendable("a body of unknown length".into()))?;
            let body = Full::from(Bytes::copy_from_slice(body));
            let response = https.send(http::Request::from_parts(head, body)).await;
            let response = response.map_err(failure)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(response)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Classifies a failure: the SDK retries the transient ones.
fn failure(error: SendError) -> ConnectorError {
    let hyper = cause::<hyper::Error>(&error);
    if hyper.is_some_and(hyper::Error::is_user) {
        ConnectorError::user(error.into())
    } else if hyper.is_some_and(hyper::Error::is_incomplete_message) {
        // The server closed the connection.
        ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
    } else if error.is_connect()
        || hyper.is_some_and(|error| error.is_closed() || error.is_canceled())
        || cause::<io::Error>(&error).is_some()
    {
        ConnectorError::io(error.into())
    } else {
        ConnectorError::other(error.into(), None)
    }
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(all(test, feature = "dynamodb"))]
mod tests {
    use std::time::Duration;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::error::SdkError;

    use crate::aws::dynamodb_at;
    use testing::misbehaving_server::{Act, MisbehavingServer, answer};

    fn client_of(endpoint: &str) -> Client {
        let retries = RetryConfig::standard()
            .with_max_attempts(2)
            .with_initial_backoff(Duration::from_millis(1));
        let config = dynamodb_at(endpoint).config().to_builder().retry_config(retries);
        Client::from_conf(config.build())
    }

    #[tokio::test]
    async fn a_request_is_retried_when_its_connection_breaks() {
        let cases = [Act::Cut(String::new()), Act::Cut("HTTP/1.1 200 OK\r\ncontent-".to_owned())];
        for first in cases {
            let script = [first.clone(), answer(200, &[], r#"{"TableNames":["openchair"]}"#)];
            let server = MisbehavingServer::start(&script).await;
            let answer = client_of(&server.base()).list_tables().send().await;
            let tables = answer.unwrap_or_else(|error| panic!("{first:?}: {error:?}"));
            assert_eq!(tables.table_names(), ["openchair"], "{first:?}");
            assert_eq!(server.received().len(), 2, "{first:?}");
            assert_eq!(server.connections(), 2, "{first:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_is_reused() {
        let server =
            MisbehavingServer::start(&[answer(200, &[], r#"{"TableNames":["openchair"]}"#)]).await;
        let client = client_of(&server.base());
        for _ in 0..3 {
            client.list_tables().send().await.unwrap();
        }
        assert_eq!((server.received().len(), server.connections()), (3, 1));
    }

    #[tokio::test]
    async fn a_closed_port_is_an_io_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = client_of(&endpoint).list_tables().send().await.unwrap_err();
        let SdkError::DispatchFailure(failure) = &error else { panic!("{error:?}") };
        assert!(failure.is_io(), "{error:?}");
    }
}
