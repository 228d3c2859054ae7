//! Reading where the salon's pages are.

use lambda_http::http::Uri;

use super::reader::Field;

pub(super) fn return_url(site: &Field<'_, '_>) -> Option<String> {
    let table = site.table(&["allowed_origins", "return_url"])?;
    let origins = table.required("allowed_origins", "the origins of the pages that call the API");
    let origins: Vec<String> =
        origins.iter().flat_map(|f| f.list("origins")).filter_map(|f| origin(&f)).collect();
    let field = table.required("return_url", "the page that Stripe returns to")?;
    let url = field.text()?;
    let known = origins.iter().any(|origin| {
        url.strip_prefix(origin.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if url.parse::<Uri>().is_err() || !known {
        field.report(format!("must be a page of an allowed origin ({})", origins.join(", ")));
        return None;
    }
    Some(url.to_owned())
}

/// Reads `https://host`, or `http://` for a site on the same machine.
fn origin(field: &Field<'_, '_>) -> Option<String> {
    let text = field.text()?;
    let is_origin = |uri: &Uri| {
        let local = matches!(uri.host(), Some("localhost" | "127.0.0.1"));
        let scheme = uri.scheme_str();
        let secure = scheme == Some("https") || (scheme == Some("http") && local);
        secure && uri.path() == "/" && uri.query().is_none() && !text.ends_with('/')
    };
    let origin = text.parse::<Uri>().ok().filter(is_origin);
    field.expect(origin, "an origin such as \"https://salon.example\", without a path")?;
    Some(text.to_owned())
}
