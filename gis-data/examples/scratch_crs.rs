use gis_data::{Conversion, Crs};
use std::io::BufRead;
fn main() {
    if std::env::args().nth(1).as_deref() == Some("list") {
        for code in 2000..70000u32 {
            match Crs::from_epsg(code) {
                Ok(c) => println!(
                    "{code}|ok|{}|{}",
                    c.accuracy_m(),
                    crs_definitions::from_code(code as u16).map(|d| d.proj4).unwrap_or("")
                ),
                Err(e) => {
                    if e.code() != "crs_unknown" {
                        println!("{code}|{}|", e.code())
                    }
                }
            }
        }
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let p: Vec<&str> = line.split_whitespace().collect();
        let (x, y): (f64, f64) = (p[1].parse().unwrap(), p[2].parse().unwrap());
        let r = Crs::parse(p[0]).and_then(|c| Conversion::to_storage(&c));
        match r {
            Err(e) => println!("{} refused {}", p[0], e.code()),
            Ok(c) => {
                let mut a = [geo_types::Coord { x, y }];
                match c.coordinates(&mut a) {
                    Ok(()) => println!("{} {:.10} {:.10}", p[0], a[0].x, a[0].y),
                    Err(_) => println!("{} range", p[0]),
                }
            }
        }
    }
}
