//! Azure's pages of blobs, read exactly: names with spaces at their ends, with entities, with characters that XML cannot
//! hold. Knows no request.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::source::aws::parse_date;
use crate::source::{ObjectInfo, Page};

/// A page of `List Blobs`. Folders of accounts that have true ones are left out: they are no objects.
pub(super) fn parse(xml: &str) -> Result<Page, String> {
    // The service begins with the mark of its encoding.
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    let mut parsing = Parsing::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(element) => parsing.open(&element)?,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Text(text) => parsing.text.push_str(&text.decode().map_err(|error| error.to_string())?),
            Event::CData(text) => parsing.text.push_str(&text.decode().map_err(|error| error.to_string())?),
            Event::GeneralRef(reference) => parsing.text.push(letter(&reference)?),
            Event::End(element) => parsing.close(element.local_name().as_ref()),
            Event::Eof => break,
        }
    }
    if parsing.is_whole { Ok(parsing.page) } else { Err("the page is not whole".to_owned()) }
}

fn letter(reference: &BytesRef<'_>) -> Result<char, String> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(letter);
    }
    let name = reference.decode().map_err(|error| error.to_string())?;
    match name.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(format!("an unknown entity `{other}`")),
    }
}

#[derive(Default)]
struct Parsing {
    page: Page,
    blob: Option<Blob>,
    /// Of the innermost element.
    text: String,
    is_encoded: bool,
    is_whole: bool,
}

struct Blob {
    info: ObjectInfo,
    is_folder: bool,
}

impl Parsing {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        self.text.clear();
        match element.local_name().as_ref() {
            b"Blob" => self.blob = Some(Blob { info: ObjectInfo::unknown(""), is_folder: false }),
            b"Name" => {
                let attribute = element.try_get_attribute("Encoded").map_err(|error| error.to_string())?;
                self.is_encoded = attribute.is_some_and(|value| value.value.eq_ignore_ascii_case(b"true"));
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, element: &[u8]) {
        let text = std::mem::take(&mut self.text);
        match (element, &mut self.blob) {
            (b"EnumerationResults", _) => self.is_whole = true,
            (b"NextMarker", _) => self.page.next = Some(text).filter(|marker| !marker.is_empty()),
            (b"Blob", _) => {
                let blob = self.blob.take().filter(|blob| !blob.is_folder);
                self.page.objects.extend(blob.map(|blob| blob.info));
            }
            (b"Name", Some(blob)) => blob.info.key = if self.is_encoded { decoded(&text) } else { text },
            (b"Content-Length", Some(blob)) => blob.info.size_bytes = text.parse().unwrap_or(0),
            (b"Etag", Some(blob)) => text.trim_matches('"').clone_into(&mut blob.info.etag),
            (b"Last-Modified", Some(blob)) => blob.info.modified_at = parse_date(&text),
            (b"AccessTier", Some(blob)) => {
                blob.info.is_archived = super::is_archive(&text);
                blob.info.storage_class = text;
            }
            (b"ResourceType", Some(blob)) => blob.is_folder = text == "directory",
            _ => {}
        }
    }
}

fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_exactly() {
        let xml = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"c\">\
            <Prefix>a</Prefix><Blobs>\
            <Blob><Name> a &lt;b&gt;&amp;amp; &#x9;\u{e9} </Name><Properties>\
            <Last-Modified>Fri, 01 Mar 2024 09:15:02 GMT</Last-Modified><Etag>0x8D1</Etag>\
            <Content-Length>12</Content-Length><AccessTier>Archive</AccessTier></Properties><OrMetadata /></Blob>\
            <Blob><Name Encoded=\"true\">odd%2Fcontrol%01%25</Name><Properties><Etag>\"0x8D2\"</Etag>\
            <AccessTier>Hot</AccessTier></Properties></Blob>\
            <Blob><Name>folder</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>\
            <Blob><Name>100%25</Name><Properties><Content-Length>0</Content-Length></Properties></Blob>\
            </Blobs><NextMarker>2!next</NextMarker></EnumerationResults>";
        let page = parse(xml).unwrap();
        let keys: Vec<&str> = page.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, [" a <b>&amp; \t\u{e9} ", "odd/control\u{1}%", "100%25"]);
        assert_eq!(page.next.as_deref(), Some("2!next"));
        let first = &page.objects[0];
        assert_eq!((first.size_bytes, first.etag.as_str(), first.is_archived), (12, "0x8D1", true));
        assert_eq!(first.modified_at, Some("2024-03-01T09:15:02Z".parse().unwrap()));
        let second = &page.objects[1];
        assert_eq!((second.etag.as_str(), second.storage_class.as_str()), ("0x8D2", "Hot"));
    }

    #[test]
    fn a_page_that_is_cut_is_no_page() {
        for cut in [
            "",
            "<EnumerationResults><Blobs><Blob><Name>a</Name>",
            "<EnumerationResults><Blobs></Blobs>",
            "not XML",
            "<EnumerationResults><Blobs><Blob><Name>&nosuch;</Name></Blob></Blobs></EnumerationResults>",
        ] {
            assert!(parse(cut).is_err(), "{cut}");
        }
        assert_eq!(
            parse("<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>").unwrap().next,
            None
        );
    }
}
