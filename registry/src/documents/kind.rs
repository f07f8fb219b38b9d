//! What kind of file it is, by its bytes: neither its name nor what the client calls it is believed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use zip::ZipArchive;

/// Where the sign of a PDF may stand: scanners put lines of their own before it.
const PDF_WITHIN: usize = 1024;
/// A package of more parts is no paper.
const MOST_PARTS: usize = 20_000;

/// The kinds of paper that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Pdf,
    Jpeg,
    Png,
    Tiff,
    /// 版式文档 (GB/T 33190).
    Ofd,
    Docx,
    Xlsx,
}

impl FileKind {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::Ofd => "application/ofd",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// Why a file is not kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KindRefused {
    /// None of the kinds.
    Unknown,
    /// It holds a program that runs when it is opened.
    Macros,
}

/// Recognises a file; afterwards it stands anywhere.
pub(super) fn recognise(file: &mut File) -> std::io::Result<Result<FileKind, KindRefused>> {
    let mut head = Vec::with_capacity(PDF_WITHIN);
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(PDF_WITHIN as u64).read_to_end(&mut head)?;
    let kind = match &*head {
        [0xFF, 0xD8, 0xFF, ..] => Some(FileKind::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(FileKind::Png),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(FileKind::Tiff),
        [b'P', b'K', 3, 4, ..] => return Ok(package(file)),
        head if head.windows(5).any(|five| five == b"%PDF-") => Some(FileKind::Pdf),
        _ => None,
    };
    Ok(kind.ok_or(KindRefused::Unknown))
}

/// A zip whose parts say what it is. Nothing in it is unpacked.
fn package(file: &mut File) -> Result<FileKind, KindRefused> {
    let archive = ZipArchive::new(file).map_err(|_| KindRefused::Unknown)?;
    if archive.len() > MOST_PARTS {
        return Err(KindRefused::Unknown);
    }
    let names: Vec<&[u8]> = archive.file_names_raw().collect();
    let has = |name: &str| names.contains(&name.as_bytes());
    if names
        .iter()
        .any(|name| name.to_ascii_lowercase().ends_with(b"vbaproject.bin"))
    {
        return Err(KindRefused::Macros);
    }
    if has("OFD.xml") {
        Ok(FileKind::Ofd)
    } else if has("[Content_Types].xml") && has("word/document.xml") {
        Ok(FileKind::Docx)
    } else if has("[Content_Types].xml") && has("xl/workbook.xml") {
        Ok(FileKind::Xlsx)
    } else {
        Err(KindRefused::Unknown)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A zip with these parts.
    pub(in crate::documents) fn package_of(parts: &[&str]) -> Vec<u8> {
        let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for part in parts {
            archive.start_file(*part, SimpleFileOptions::default()).unwrap();
            archive.write_all(b"<xml/>").unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn kind_of(bytes: &[u8]) -> Result<FileKind, KindRefused> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        recognise(&mut file).unwrap()
    }

    #[test]
    fn a_file_is_known_by_its_bytes() {
        assert_eq!(kind_of(b"%PDF-1.7\n..."), Ok(FileKind::Pdf));
        assert_eq!(kind_of(b"\n\nscanned by\n%PDF-1.4"), Ok(FileKind::Pdf));
        assert_eq!(kind_of(b"\xFF\xD8\xFF\xE0\x00\x10JFIF"), Ok(FileKind::Jpeg));
        assert_eq!(kind_of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Ok(FileKind::Png));
        assert_eq!(kind_of(b"II*\0\x08\0\0\0"), Ok(FileKind::Tiff));
        assert_eq!(kind_of(b"MM\0*\0\0\0\x08"), Ok(FileKind::Tiff));
        assert_eq!(
            kind_of(&package_of(&["OFD.xml", "Doc_0/Document.xml"])),
            Ok(FileKind::Ofd)
        );
        let types = "[Content_Types].xml";
        assert_eq!(kind_of(&package_of(&[types, "word/document.xml"])), Ok(FileKind::Docx));
        assert_eq!(kind_of(&package_of(&["xl/workbook.xml", types])), Ok(FileKind::Xlsx));
    }

    #[test]
    fn what_is_none_of_these_or_could_run_is_refused() {
        for bytes in [
            &b""[..],
            b"P",
            b"<html><script>alert(1)</script>",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"MZ\x90\0",
            b"\x7fELF",
            b"#!/bin/sh",
            b"PK\x03\x04 and no zip",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        ] {
            assert_eq!(kind_of(bytes), Err(KindRefused::Unknown), "{bytes:?}");
        }
        assert_eq!(kind_of(&package_of(&["a.txt"])), Err(KindRefused::Unknown));
        let macros = ["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"];
        assert_eq!(kind_of(&package_of(&macros)), Err(KindRefused::Macros));
    }
}
