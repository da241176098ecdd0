//! The signature `EXO2-HMAC-SHA256` of Exoscale's API v2
//! (openapi-v2.exoscale.com, topic "API request signature").

use crate::cloud::client::http::Authorize;
use crate::cloud::client::http::request::Prepared;
use crate::cloud::client::http::secret::Secret;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a signature stays valid.
const VALIDITY: Duration = Duration::from_secs(600);

/// An API key with its secret.
#[derive(Debug)]
pub struct Key {
    /// The key's public part.
    pub key: Secret,
    /// Its secret.
    pub secret: Secret,
}

impl Key {
    /// The header `Authorization` of a request that stays valid until the second `expires` since 1970.
    pub fn header(&self, request: &Prepared, expires: u64) -> String {
        let mut signed: Vec<(&str, &str)> = request
            .query
            .iter()
            .filter(|(name, _)| request.query.iter().filter(|other| other.0 == *name).count() == 1)
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        signed.sort_unstable();
        let values: String = signed.iter().map(|pair| pair.1).collect();
        let names: Vec<&str> = signed.iter().map(|pair| pair.0).collect();
        let mut text = format!("{} {}\n", request.method, request.path).into_bytes();
        text.extend_from_slice(&request.body);
        text.extend_from_slice(format!("\n{values}\n\n{expires}").as_bytes());
        let mut arguments = String::new();
        if !names.is_empty() {
            arguments = format!(",signed-query-args={}", names.join(";"));
        }
        format!(
            "EXO2-HMAC-SHA256 credential={}{arguments},expires={expires},signature={}",
            self.key.reveal(),
            sign(self.secret.reveal(), &text)
        )
    }
}

/// Base64 of the HMAC-SHA256.
fn sign(secret: &str, text: &[u8]) -> String {
    // A key of any length is a key of HMAC.
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(text);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

impl Authorize for Key {
    fn headers(&self, request: &Prepared, now: SystemTime) -> Vec<(&'static str, String)> {
        let expires = (now + VALIDITY)
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        vec![("Authorization", self.header(request, expires))]
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.key, &self.secret]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::Method;

    /// 2077-01-01T00:00:00Z, the expiry of the official vectors.
    const EXPIRES: u64 = 3_376_684_800;

    fn signature(method: Method, path: &str, query: &[(&str, &str)], body: &str) -> (String, String) {
        let key = Key {
            key: Secret::new(&format!("EXO{}", "x".repeat(24))),
            secret: Secret::new(&"X".repeat(43)),
        };
        let request = Prepared {
            method,
            host: String::new(),
            path: path.into(),
            query: query
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            url: String::new(),
            content_type: None,
            body: body.as_bytes().to_vec(),
        };
        let header = key.header(&request, EXPIRES);
        let (head, signature) = header.split_once(",signature=").unwrap();
        (head.to_string(), signature.to_string())
    }

    /// Method, path, query, body, signature.
    type Row = (
        Method,
        &'static str,
        &'static [(&'static str, &'static str)],
        &'static str,
        &'static str,
    );

    /// The first three are the vendor's (requests-exoscale-auth `tests/test_exoscale_auth.py`, egoscale
    /// `v2/api/security_test.go`); the others were made with requests-exoscale-auth 1.1.2.
    #[test]
    fn signatures_equal_the_official_ones() {
        let pool = "/v2/instance-pool/85664334-0fd5-47bd-94a1-b4f40b1d2eb7:scale";
        let rows: [Row; 6] = [
            (
                Method::GET,
                "/v2/zone",
                &[],
                "",
                "Ntbq/p0HVmA3Zg1HHY+Lq1vjFGi7HeMrrgXDS5jRNlY=",
            ),
            (
                Method::GET,
                "/v2/zone",
                &[("k2", "v2"), ("k1", "v1")],
                "",
                "iqOBz13+44L5j0uJclE8hmUhQQcvtCSoPEOXYK6liqY=",
            ),
            (
                Method::POST,
                "/v2/load-balancer",
                &[],
                r#"{"name": "foo"}"#,
                "duldkM0+pgWRtUznj0rMrZauzsYOtSVLn1LCGcs7CcE=",
            ),
            (
                Method::GET,
                "/v2/instance",
                &[("labels", r#"{"env":"prod x"}"#)],
                "",
                "aHDIQZzDLZgn7nMAtSKzLXRgDVCotQpTrCIOs2phbQ8=",
            ),
            (
                Method::PUT,
                pool,
                &[],
                r#"{"size": 3}"#,
                "V+hHdMFCe9KJK1TW7xG5GeNYxNXBFPiXNPSSWJZPfQM=",
            ),
            (
                Method::GET,
                "/v2/ssh-key/my%20key",
                &[],
                "",
                "JS97O1TYpPF7m5XH2j273j0HVMiz+Otiwnk7f5vMIA0=",
            ),
        ];
        for (method, path, query, body, wanted) in rows {
            assert_eq!(signature(method, path, query, body).1, wanted, "{path} {query:?}");
        }
    }

    #[test]
    fn names_of_signed_parameters_are_sorted_and_repeated_ones_left_out() {
        let (head, _) = signature(
            Method::GET,
            "/v2/zone",
            &[("b", "1"), ("a", "2"), ("c", "3"), ("c", "4")],
            "",
        );
        assert!(
            head.ends_with(",signed-query-args=a;b,expires=3376684800"),
            "{head}"
        );
    }
}
