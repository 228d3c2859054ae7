//! Reading `[site]`: the salon's pages.

use http::Uri;

use super::optional_or;
use super::reader::Field;

/// The section `[site]`.
pub(super) struct Site {
    pub(super) return_url: String,
    pub(super) manage_url: Option<String>,
}

pub(super) fn site(field: &Field<'_, '_>) -> Option<Site> {
    let table = field.table(&["allowed_origins", "return_url", "manage_url"])?;
    let origins = table.required("allowed_origins", "the origins of the pages that call the API");
    let origins: Vec<String> =
        origins.iter().flat_map(|f| f.list("origins")).filter_map(|f| origin(&f)).collect();
    let return_url = table
        .required("return_url", "the page that Stripe returns to")
        .and_then(|f| page(&f, &origins));
    let manage_url = optional_or(Some(&table), "manage_url", None, |f| {
        let url = page(f, &origins)?;
        if url.contains('#') {
            f.report("must not contain \"#\": the part after it is used for the manage token");
            return None;
        }
        Some(Some(url))
    });
    Some(Site { return_url: return_url?, manage_url: manage_url? })
}

/// Reads the address of a page on one of the `origins`.
fn page(field: &Field<'_, '_>, origins: &[String]) -> Option<String> {
    let url = field.text()?;
    let known = origins.iter().any(|origin| {
        url.strip_prefix(origin.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if url.parse::<Uri>().is_err() || !known {
        field.report(format!(
            "must be a page on one of the `allowed_origins` ({})",
            origins.join(", ")
        ));
        return None;
    }
    Some(url.to_owned())
}

/// Reads `https://host`, or `http://` for localhost.
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
