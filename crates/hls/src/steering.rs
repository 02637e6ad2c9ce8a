//! Steering manifests (RFC 8216bis section 7.2), and just enough JSON for them.

use crate::url::resolve;

/// What a content steering server says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SteeringManifest {
    /// TTL: ask again after so long.
    pub ttl_secs: f64,
    /// RELOAD-URI, absolute: where to ask then.
    pub reload_url: Option<String>,
    /// PATHWAY-PRIORITY, the best first.
    pub priority: Vec<String>,
    /// PATHWAY-CLONES.
    pub clones: Vec<PathwayClone>,
}

/// A pathway that differs from another one in its URLs alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathwayClone {
    /// BASE-ID: the one that it is like.
    pub base: String,
    /// ID.
    pub id: String,
    /// URI-REPLACEMENT: HOST.
    pub host: Option<String>,
    /// URI-REPLACEMENT: PARAMS, query parameters that are set.
    pub params: Vec<(String, String)>,
    /// URI-REPLACEMENT: PER-VARIANT-URIS, by STABLE-VARIANT-ID.
    pub variant_urls: Vec<(String, String)>,
    /// URI-REPLACEMENT: PER-RENDITION-URIS, by STABLE-RENDITION-ID.
    pub rendition_urls: Vec<(String, String)>,
}

/// TTL of a manifest that does not say.
const DEFAULT_TTL_SECS: f64 = 300.0;

/// Nesting that no manifest needs.
const MAX_DEPTH: u32 = 16;

impl SteeringManifest {
    /// Reads a manifest that came from `url`; `None` if it is not one of version 1.
    pub fn parse(body: &str, url: &str) -> Option<Self> {
        let json = Json::parse(body)?;
        if json.get("VERSION")?.number()? != 1.0 {
            return None;
        }
        let ttl_secs = json.get("TTL").and_then(Json::number).filter(|secs| *secs > 0.0);
        let priority = json.get("PATHWAY-PRIORITY").map_or(&[][..], Json::items);
        let clones = json.get("PATHWAY-CLONES").map_or(&[][..], Json::items);
        Some(Self {
            ttl_secs: ttl_secs.unwrap_or(DEFAULT_TTL_SECS),
            reload_url: json.text("RELOAD-URI").and_then(|uri| resolve(url, uri)),
            priority: priority.iter().filter_map(Json::string).map(str::to_owned).collect(),
            clones: clones.iter().filter_map(|json| PathwayClone::of(json, url)).collect(),
        })
    }
}

impl PathwayClone {
    fn of(json: &Json, base_url: &str) -> Option<Self> {
        let replacement = json.get("URI-REPLACEMENT")?;
        let pairs = |name: &str| -> Vec<(String, String)> {
            let fields = replacement.get(name).map_or(&[][..], Json::fields);
            let texts = fields.iter().filter_map(|(key, value)| Some((key, value.string()?)));
            texts.map(|(key, value)| (key.clone(), value.to_owned())).collect()
        };
        let urls = |name: &str| {
            let pairs = pairs(name).into_iter();
            pairs.filter_map(|(id, uri)| Some((id, resolve(base_url, &uri)?))).collect()
        };
        Some(Self {
            base: json.text("BASE-ID")?.to_owned(),
            id: json.text("ID")?.to_owned(),
            host: replacement.text("HOST").filter(|host| !host.is_empty()).map(str::to_owned),
            params: pairs("PARAMS"),
            variant_urls: urls("PER-VARIANT-URIS"),
            rendition_urls: urls("PER-RENDITION-URIS"),
        })
    }

    /// The URL of a variant's playlist on this pathway, from that on the base pathway.
    pub fn variant_url(&self, stable_id: Option<&str>, url: &str) -> Option<String> {
        self.replaced(&self.variant_urls, stable_id, url)
    }

    /// The same for a rendition.
    pub fn rendition_url(&self, stable_id: Option<&str>, url: &str) -> Option<String> {
        self.replaced(&self.rendition_urls, stable_id, url)
    }

    fn replaced(&self, urls: &[(String, String)], id: Option<&str>, url: &str) -> Option<String> {
        let own = urls.iter().find(|(key, _)| Some(key.as_str()) == id);
        let mut out = match (own, &self.host) {
            (Some((_, url)), _) => url.clone(),
            (None, Some(host)) => {
                let (scheme, rest) = url.split_once("://")?;
                let path = rest.find(['/', '?']).map_or("/", |at| &rest[at..]);
                [scheme, "://", host, path].concat()
            }
            (None, None) => url.to_owned(),
        };
        for (name, value) in &self.params {
            set_parameter(&mut out, name, value);
        }
        resolve(&out, "")
    }
}

/// Sets a query parameter, or adds it.
fn set_parameter(url: &mut String, name: &str, value: &str) {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let kept =
        query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let own = [name, "=", value].concat();
    let pairs: Vec<&str> = kept.chain([own.as_str()]).collect();
    *url = [path, "?", &pairs.join("&")].concat();
}

/// A JSON value (RFC 8259); what a manifest has no use for is `Other`.
enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    Number(f64),
    Other,
}

impl Json {
    fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.trim_start_matches('\u{feff}') };
        let value = reader.value(0)?;
        reader.skip_blanks();
        reader.rest.is_empty().then_some(value)
    }

    fn fields(&self) -> &[(String, Json)] {
        match self {
            Self::Object(fields) => fields,
            _ => &[],
        }
    }

    fn items(&self) -> &[Json] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    fn get(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.string()
    }

    fn string(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: u32) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.eat("{") {
            return self
                .list("}", |reader| {
                    let name = reader.eat("\"").then(|| reader.string())??;
                    reader.eat(":").then(|| reader.value(depth + 1))?.map(|value| (name, value))
                })
                .map(Json::Object);
        }
        if self.eat("[") {
            return self.list("]", |reader| reader.value(depth + 1)).map(Json::Array);
        }
        if self.eat("\"") {
            return self.string().map(Json::String);
        }
        if ["true", "false", "null"].into_iter().any(|word| self.eat(word)) {
            return Some(Json::Other);
        }
        let end = self.rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        crate::attributes::decimal(number).map(Json::Number)
    }

    fn list<T>(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if self.eat(end) {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(end) {
                return Some(items);
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    /// What follows the opening quote.
    fn string(&mut self) -> Option<String> {
        let mut out = String::new();
        loop {
            let at = self.rest.find(['"', '\\'])?;
            out.push_str(&self.rest[..at]);
            let is_end = self.rest[at..].starts_with('"');
            self.rest = &self.rest[at + 1..];
            if is_end {
                return Some(out);
            }
            out.push(self.escaped()?);
        }
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Option<char> {
        let escape = self.rest.chars().next()?;
        self.rest = &self.rest[escape.len_utf8()..];
        Some(match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let code = u32::from_str_radix(self.rest.get(..4)?, 16).ok()?;
                self.rest = &self.rest[4..];
                // Halves of surrogate pairs do not occur in identifiers and URLs.
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://steering.example/app/manifest.json?session=1";

    #[test]
    fn a_manifest_with_clones_is_read() {
        let body = r#"{"VERSION":1,"TTL":30,"RELOAD-URI":"next?a=\u0062","PATHWAY-PRIORITY":["B","A"],
            "X-OTHER":[true,null,{"deep":[1.5e3]}],
            "PATHWAY-CLONES":[{"BASE-ID":"A","ID":"C","URI-REPLACEMENT":{"HOST":"c.example",
            "PARAMS":{"token":"x"},"PER-VARIANT-URIS":{"v1":"https://q.example/v1.m3u8"}}},{"ID":"D"}]}"#;
        let manifest = SteeringManifest::parse(body, URL).expect("a manifest");
        assert_eq!(manifest.ttl_secs, 30.0);
        assert_eq!(manifest.reload_url.as_deref(), Some("https://steering.example/app/next?a=b"));
        assert_eq!(manifest.priority, ["B", "A"]);
        let [clone] = &manifest.clones[..] else { panic!("one clone") };
        assert_eq!(
            clone.variant_url(None, "https://a.example/x/v.m3u8?token=old&b=1").as_deref(),
            Some("https://c.example/x/v.m3u8?b=1&token=x")
        );
        assert_eq!(
            clone.variant_url(Some("v1"), "https://a.example/x/v.m3u8").as_deref(),
            Some("https://q.example/v1.m3u8?token=x")
        );
    }

    #[test]
    fn what_is_not_a_manifest_is_none() {
        let deep = "[".repeat(100_000);
        for body in [
            "",
            "{}",
            "[]",
            "{\"VERSION\":2}",
            "<html>",
            "{\"VERSION\":1",
            "{\"VERSION\":1}x",
            &deep,
            "\"\\u12",
        ] {
            assert_eq!(SteeringManifest::parse(body, URL), None);
        }
        assert_eq!(
            SteeringManifest::parse("{\"VERSION\":1}", URL).map(|m| m.ttl_secs),
            Some(300.0)
        );
    }
}
