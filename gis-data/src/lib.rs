//! Reading, checking and converting GIS files.
