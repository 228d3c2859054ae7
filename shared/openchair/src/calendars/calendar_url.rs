//! URLs that are secrets, or that secrets are sent to.

use std::fmt;

use http::Uri;
use url::Url;

use crate::https::is_loopback;

/// An absolute URL: `https`, or `http` to this machine.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CalendarUrl(Url);

/// An invalid URL. The message does not contain the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarUrlError {
    /// Not an absolute URL.
    #[error("it must be an address that begins with https://")]
    Invalid,
    /// Plain HTTP to another machine, or another protocol.
    #[error("it must begin with https://, so that the connection is encrypted")]
    NotEncrypted,
    /// A user name or password before the host.
    #[error("it must not contain a user name or a password, because they are not sent")]
    UserInfo,
}

impl CalendarUrl {
    /// Parses a URL. `webcal` means `https`.
    pub(super) fn parse(text: &str) -> Result<Self, CalendarUrlError> {
        let text = text.trim();
        let as_https = ["webcal://", "webcals://"].iter().find_map(|scheme| {
            let (start, rest) = text.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then(|| format!("https://{rest}"))
        });
        let url = Url::parse(as_https.as_deref().unwrap_or(text));
        Self::check(url.map_err(|_| CalendarUrlError::Invalid)?)
    }

    /// Returns the target of a redirect from this URL. A redirect never leads
    /// from `https` to `http`, not even to this machine.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, CalendarUrlError> {
        let next = self.0.join(location).map_err(|_| CalendarUrlError::Invalid)?;
        let next = Self::check(next)?;
        if self.0.scheme() == "https" && next.0.scheme() != "https" {
            return Err(CalendarUrlError::NotEncrypted);
        }
        Ok(next)
    }

    /// Appends path segments, percent-encoded.
    pub(super) fn join_path(&self, segments: &[&str]) -> Self {
        let mut url = self.0.clone();
        let mut path = url.path_segments_mut().expect("a URL with a host has a path");
        path.pop_if_empty().extend(segments);
        drop(path);
        Self(url)
    }

    fn check(mut url: Url) -> Result<Self, CalendarUrlError> {
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_loopback(host) => {}
            _ => return Err(CalendarUrlError::NotEncrypted),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(CalendarUrlError::UserInfo);
        }
        url.set_fragment(None);
        // Not every URL is a valid URI for the HTTP client, which allows fewer
        // characters. Checked here, not at the first request.
        if url.as_str().parse::<Uri>().is_err() {
            return Err(CalendarUrlError::Invalid);
        }
        Ok(Self(url))
    }

    /// Returns the URI for a request.
    pub(super) fn to_uri(&self) -> Uri {
        self.0.as_str().parse().expect("the URL was checked to be a URI")
    }

    /// Returns the whole URL, for use in requests only.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns whether there is no path and no query.
    pub(super) fn has_only_host(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none()
    }
}

/// Hides the URL.
impl fmt::Debug for CalendarUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarUrl").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_encrypted_or_on_this_machine() {
        use CalendarUrlError::{Invalid, NotEncrypted, UserInfo};
        let cases = [
            ("https://calendar.example/a/b.ics?x=1", Ok("https://calendar.example/a/b.ics?x=1")),
            ("https://calendar.example", Ok("https://calendar.example/")),
            ("webcal://calendar.example/b.ics", Ok("https://calendar.example/b.ics")),
            ("WebCals://calendar.example/b.ics", Ok("https://calendar.example/b.ics")),
            (" https://calendar.example/b.ics#x\n", Ok("https://calendar.example/b.ics")),
            ("https://calendar.example/Größe", Ok("https://calendar.example/Gr%C3%B6%C3%9Fe")),
            ("http://127.0.0.1:9003/b.ics", Ok("http://127.0.0.1:9003/b.ics")),
            ("http://localhost:9003/", Ok("http://localhost:9003/")),
            ("http://[::1]:9003/", Ok("http://[::1]:9003/")),
            ("http://calendar.example/b.ics", Err(NotEncrypted)),
            ("http://localhost.calendar.example/", Err(NotEncrypted)),
            ("http://127.0.0.1@calendar.example/", Err(NotEncrypted)),
            ("ftp://127.0.0.1/b.ics", Err(NotEncrypted)),
            ("file:///etc/passwd", Err(NotEncrypted)),
            ("https://me:word@calendar.example/", Err(UserInfo)),
            ("https://", Err(Invalid)),
            ("calendar.example/b.ics", Err(Invalid)),
            ("", Err(Invalid)),
        ];
        for (text, expected) in cases {
            let url = CalendarUrl::parse(text);
            assert_eq!(url.as_ref().map(CalendarUrl::as_str), expected.as_ref().copied(), "{text}");
        }
    }

    #[test]
    fn a_redirect_never_leads_out_of_encryption() {
        let cases = [
            ("https://a.example/x/y", "z", Ok("https://a.example/x/z")),
            ("https://a.example/x/y", "/z", Ok("https://a.example/z")),
            ("https://a.example/x/y", "//b.example/z", Ok("https://b.example/z")),
            ("https://a.example/x", "https://b.example/z", Ok("https://b.example/z")),
            ("http://127.0.0.1/x", "https://b.example/z", Ok("https://b.example/z")),
            ("http://127.0.0.1/x", "/z", Ok("http://127.0.0.1/z")),
            ("https://a.example/x", "http://a.example/x", Err(CalendarUrlError::NotEncrypted)),
            ("https://a.example/x", "http://127.0.0.1/x", Err(CalendarUrlError::NotEncrypted)),
            ("https://a.example/x", "data:text/calendar,x", Err(CalendarUrlError::NotEncrypted)),
        ];
        for (from, location, expected) in cases {
            let to = CalendarUrl::parse(from).unwrap().redirected(location);
            assert_eq!(
                to.as_ref().map(CalendarUrl::as_str),
                expected.as_ref().copied(),
                "{location}"
            );
        }
    }

    #[test]
    fn a_url_is_not_printed() {
        let url = CalendarUrl::parse("https://calendar.example/hidden.ics").unwrap();
        assert!(!format!("{url:?}").contains("calendar"));
    }
}
