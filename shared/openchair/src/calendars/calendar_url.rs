//! Addresses that are secrets, or that secrets are sent to.

use std::fmt;

use http::Uri;
use url::Url;

use crate::https::is_this_machine;

/// An absolute address: `https`, or `http` to this machine.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CalendarUrl(Url);

/// An address that will not do. The address itself is not in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarUrlError {
    /// Not an absolute address.
    #[error("it must be an address that begins with https://")]
    NotAnAddress,
    /// Plain HTTP to another machine, or another protocol.
    #[error("it must begin with https://, so that nobody reads along")]
    NotEncrypted,
    /// A user name or password before the host.
    #[error("it must have no user name and no password in it, as none is sent")]
    UserInfo,
}

impl CalendarUrl {
    /// Checks an address. `webcal` is a name for `https`.
    pub(super) fn parse(text: &str) -> Result<Self, CalendarUrlError> {
        let text = text.trim();
        let as_https = ["webcal://", "webcals://"].iter().find_map(|scheme| {
            let (start, rest) = text.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then(|| format!("https://{rest}"))
        });
        let url = Url::parse(as_https.as_deref().unwrap_or(text));
        Self::check(url.map_err(|_| CalendarUrlError::NotAnAddress)?)
    }

    /// Follows a redirect from here. What was encrypted stays so, even where
    /// it leads to this machine.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, CalendarUrlError> {
        let next = self.0.join(location).map_err(|_| CalendarUrlError::NotAnAddress)?;
        let next = Self::check(next)?;
        if self.0.scheme() == "https" && next.0.scheme() != "https" {
            return Err(CalendarUrlError::NotEncrypted);
        }
        Ok(next)
    }

    /// Returns the address of what is below this one, by the names on the way.
    pub(super) fn below(&self, names: &[&str]) -> Self {
        let mut url = self.0.clone();
        let mut path = url.path_segments_mut().expect("an address with a host has a path");
        path.pop_if_empty().extend(names);
        drop(path);
        Self(url)
    }

    fn check(mut url: Url) -> Result<Self, CalendarUrlError> {
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_this_machine(host) => {}
            _ => return Err(CalendarUrlError::NotEncrypted),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(CalendarUrlError::UserInfo);
        }
        url.set_fragment(None);
        // An address is a URL to one crate and a URI to the other, which knows
        // fewer characters: found here and not at the first request.
        if url.as_str().parse::<Uri>().is_err() {
            return Err(CalendarUrlError::NotAnAddress);
        }
        Ok(Self(url))
    }

    /// Returns the address to send a request to.
    pub(super) fn to_uri(&self) -> Uri {
        self.0.as_str().parse().expect("the address was checked to be a URI")
    }

    /// Returns the whole address. It belongs into requests alone.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Tells whether there is nothing behind the host.
    pub(super) fn is_bare(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none()
    }
}

/// Shows that there is an address.
impl fmt::Debug for CalendarUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarUrl").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encrypted_or_on_this_machine() {
        use CalendarUrlError::{NotAnAddress, NotEncrypted, UserInfo};
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
            ("https://", Err(NotAnAddress)),
            ("calendar.example/b.ics", Err(NotAnAddress)),
            ("", Err(NotAnAddress)),
        ];
        for (text, expected) in cases {
            let address = CalendarUrl::parse(text);
            assert_eq!(
                address.as_ref().map(CalendarUrl::as_str),
                expected.as_ref().copied(),
                "{text}"
            );
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
    fn an_address_is_not_shown() {
        let address = CalendarUrl::parse("https://calendar.example/hidden.ics").unwrap();
        assert!(!format!("{address:?}").contains("calendar"));
    }
}
