use serde_json::{Value, json};

use super::*;

fn event(change: impl FnOnce(&mut Value)) -> String {
    let mut event = json!({
        "version": "2.0",
        "rawPath": "/bookings/1",
        "rawQueryString": "date=2026-11-24",
        "cookies": ["a=1", "b=2"],
        "headers": {"host": "api.example.com", "x-forwarded-proto": "https"},
        "requestContext": {
            "domainName": "api.example.com",
            "http": {"method": "POST", "path": "/bookings/1", "sourceIp": "192.0.2.1"},
            "stage": "$default"
        },
        "body": "{}",
        "isBase64Encoded": false
    });
    change(&mut event);
    event.to_string()
}

fn read(change: impl FnOnce(&mut Value)) -> Result<Request, GatewayEventError> {
    read_request(&event(change))
}

#[test]
fn an_event_becomes_its_request() {
    let request = read(|_| {}).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/bookings/1?date=2026-11-24");
    assert_eq!(request.raw_http_path(), "/bookings/1");
    assert_eq!(request.query_string_parameters().first("date"), Some("2026-11-24"));
    assert_eq!(request.headers()["cookie"], "a=1; b=2");
    assert_eq!(request.headers()["host"], "api.example.com");
    assert_eq!(*request.body(), Body::Text("{}".to_owned()));
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        panic!("a context of API Gateway's")
    };
    assert_eq!(context.http.source_ip.as_deref(), Some("192.0.2.1"));
}

#[test]
fn what_an_event_may_leave_out_or_set_to_null_is_empty() {
    let context = json!({"http": {"method": "GET"}});
    let null = json!({
        "rawPath": null, "rawQueryString": null, "cookies": null, "headers": null, "body": null,
        "isBase64Encoded": null, "requestContext": context
    });
    for event in [json!({"requestContext": context}), null] {
        let request = read_request(&event.to_string()).unwrap();
        assert_eq!(request.raw_http_path(), "", "{event}");
        assert!(request.headers().is_empty(), "{event}");
        assert_eq!(*request.body(), Body::Empty, "{event}");
    }
}

#[test]
fn a_query_with_characters_that_a_uri_may_not_contain_is_encoded_in_the_uri() {
    let table = [
        ("name=\"a\"", "name=%22a%22", Some("\"a\"")),
        ("name=<a>", "name=%3Ca%3E", Some("<a>")),
        ("name=a b", "name=a%20b", Some("a b")),
        ("name=a#b", "name=a%23b", Some("a#b")),
        ("name=é", "name=%C3%A9", Some("é")),
        ("name=\0\u{7f}\n", "name=%00%7F%0A", Some("\0\u{7f}\n")),
        ("name=%22", "name=%22", Some("\"")),
        ("name=%zz%", "name=%zz%", Some("%zz%")),
        ("name=%ff", "name=%ff", Some("\u{fffd}")),
        ("?name=a", "?name=a", None),
        ("{}|\\^`", "{}|\\^`", None),
        ("&&==&", "&&==&", None),
    ];
    for (query, uri, parameter) in table {
        let request = read(|event| event["rawQueryString"] = query.into()).unwrap();
        assert_eq!(request.uri().query(), Some(uri), "{query:?}");
        assert_eq!(request.query_string_parameters().first("name"), parameter, "{query:?}");
    }
}

#[test]
fn a_path_with_characters_that_a_uri_may_not_contain_is_encoded_in_the_uri() {
    let table = [
        ("/a b", "/a%20b"),
        ("/a\"<>`{}^", "/a%22%3C%3E%60%7B%7D%5E"),
        ("/a?b#c", "/a%3Fb%23c"),
        ("/é", "/%C3%A9"),
        ("/%2e%zz", "/%2e%zz"),
        ("//host/a", "//host/a"),
        ("/..\\..//", "/..\\..//"),
        ("/\r\n\0", "/%0D%0A%00"),
        ("", "/"),
    ];
    for (path, uri) in table {
        let request = read(|event| event["rawPath"] = path.into()).unwrap();
        assert_eq!(request.uri().path(), uri, "{path:?}");
        assert_eq!(request.raw_http_path(), path, "{path:?}");
    }
}

#[test]
fn the_host_and_the_protocol_that_a_client_chooses_matter_to_nothing() {
    for value in ["", " ", "https,http", "a b", "[::1", "a:99999", "@", "xn--a", "1.2.3.4.5", "é"]
    {
        let request = read(|event| {
            event["headers"] = json!({"host": value, "x-forwarded-proto": value});
            event["requestContext"]["domainName"] = value.into();
            event["requestContext"]["stage"] = value.into();
        });
        let request = request.unwrap();
        assert_eq!(request.uri(), "/bookings/1?date=2026-11-24", "{value:?}");
        assert_eq!(request.headers()["host"].as_bytes(), value.as_bytes());
    }
}

#[test]
fn a_header_may_have_any_bytes_that_http_allows() {
    let request = read(|event| event["headers"] = json!({"user-agent": "Zoë\t\"1\""})).unwrap();
    assert_eq!(request.headers()["user-agent"].as_bytes(), "Zoë\t\"1\"".as_bytes());
}

#[test]
fn a_base64_body_is_decoded() {
    let request = read(|event| {
        event["body"] = "AP8=".into();
        event["isBase64Encoded"] = true.into();
    });
    assert_eq!(*request.unwrap().body(), Body::Binary(vec![0, 255]));
}

#[test]
fn an_event_that_cannot_be_read_is_an_error_for_the_client() {
    type Change = fn(&mut Value);
    let table: [(&str, Change); 20] = [
        ("cannot be read", |event| *event = json!({})),
        ("cannot be read", |event| *event = json!([])),
        ("cannot be read", |event| *event = json!({"Records": []})),
        ("cannot be read", |event| *event = Value::Null),
        ("cannot be read", |event| event["requestContext"] = Value::Null),
        ("cannot be read", |event| event["requestContext"]["http"] = Value::Null),
        ("cannot be read", |event| event["requestContext"]["http"]["method"] = "GE T".into()),
        ("cannot be read", |event| event["requestContext"]["timeEpoch"] = "now".into()),
        ("cannot be read", |event| event["rawPath"] = 1.into()),
        ("cannot be read", |event| event["rawQueryString"] = json!({})),
        ("cannot be read", |event| event["headers"] = json!({"": "empty name"})),
        ("cannot be read", |event| event["headers"] = json!({"a": "line\nbreak"})),
        ("cannot be read", |event| event["headers"] = json!({"a": ["list"]})),
        ("cannot be read", |event| event["cookies"] = json!("text")),
        ("cannot be read", |event| event["isBase64Encoded"] = "yes".into()),
        ("must start with a slash", |event| event["rawPath"] = "bookings".into()),
        ("must start with a slash", |event| event["rawPath"] = ":99999".into()),
        ("too long", |event| event["rawQueryString"] = "a".repeat(70_000).into()),
        ("control character", |event| event["cookies"] = json!(["a=\n"])),
        ("not valid base64", |event| {
            event["body"] = "{}".into();
            event["isBase64Encoded"] = true.into();
        }),
    ];
    for (message, change) in table {
        let text = event(change);
        let error = read_request(&text).expect_err(&text).into_api_error();
        let response = error.response("1");
        assert_eq!(response.status(), 400, "{text}");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"]["code"], "invalid_parameter", "{text}");
        assert!(body["error"]["message"].as_str().unwrap().contains(message), "{body} for {text}");
    }
}

#[test]
fn text_that_is_not_an_event_is_an_error() {
    let lone_surrogate = event(|_| {}).replace("2026-11-24", "\\ud800");
    let deep = "[".repeat(100_000);
    let repeated = event(|_| {}).replacen('{', "{\"rawPath\":\"/\",", 1);
    for text in ["", "{", "{}x", &lone_surrogate, &deep, &repeated] {
        assert!(read_request(text).is_err(), "{text:.40}");
    }
}

#[test]
fn more_headers_than_a_map_holds_are_an_error() {
    let headers = (0..40_000).map(|number| (format!("h{number}"), Value::from("1")));
    let headers = Value::Object(headers.collect());
    assert!(read(|event| event["headers"] = headers).is_err());
}

#[test]
fn an_error_does_not_quote_the_event() {
    for text in [
        event(|event| event["requestContext"] = "Ada Lovelace".into()),
        event(|event| event["headers"] = json!({"Ada Lovelace": "1"})),
        event(|event| event["cookies"] = json!(["Ada Lovelace\n"])),
    ] {
        let error = read_request(&text).unwrap_err();
        let chain = crate::telemetry::chain(&error);
        assert!(!format!("{chain} {error:?}").contains("Ada"), "{error:?}");
    }
}

#[test]
fn a_response_becomes_what_api_gateway_expects() {
    let mut response = crate::http::json(lambda_http::http::StatusCode::CREATED, "{}".to_owned());
    response.headers_mut().append("set-cookie", HeaderValue::from_static("a=1"));
    response.headers_mut().append("set-cookie", HeaderValue::from_static("b=2"));
    let text = serde_json::to_value(gateway_response(response)).unwrap();
    let expected = json!({
        "statusCode": 201, "headers": {"content-type": "application/json"},
        "multiValueHeaders": {}, "body": "{}", "isBase64Encoded": false, "cookies": ["a=1", "b=2"]
    });
    assert_eq!(text, expected);
    let bytes = serde_json::to_value(gateway_response(Response::new(Body::Binary(vec![0, 255]))));
    let bytes = bytes.unwrap();
    assert_eq!((&bytes["body"], &bytes["isBase64Encoded"]), (&json!("AP8="), &json!(true)));
}
