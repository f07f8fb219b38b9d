//! The demo city: a made-up registry of a made-up city, drawn where Changzhou lies, with that city's published census
//! (238 units, 624 places, 4 939 100 m²). The same seed gives the same city, to the last digit.
//!
//! Nothing in it is real but the division codes and the numbers of the census: streets, water, buildings, codes,
//! tenants and faults are invented. It is pure: it knows neither the database nor the clock.

mod agreements;
mod assets;
mod block;
mod cases;
mod estate;
mod faults;
mod footprints;
mod ground;
mod leases;
mod left;
mod names;
mod plan;
mod rooms;
mod seats;
mod sequence;
mod titles;
mod units;
mod use_filings;
mod water;
mod wrong_facts;

use std::collections::BTreeMap;
use std::fmt;

use geo_types::{Coord, Geometry, LineString, Polygon};

pub use agreements::DemoAgreement;
pub use cases::DemoCase;
pub use faults::PlantedFault;
pub use leases::DemoLease;
pub use rooms::DemoRoom;
pub use seats::DemoOccupant;
pub use titles::{DemoFiling, DemoTitle};
pub use units::DemoUnit;
pub use use_filings::DemoUseFiling;

use crate::crs::{Conversion, Crs, CrsRefused, OutOfRange};
use crate::mapping::Layer;
use faults::Faults;
use sequence::Sequence;

/// The seed of the city that ships.
pub const SEED: u64 = 3204;
/// The floor area of all buildings together.
pub const FLOOR_AREA: Hundredths = Hundredths(493_910_000);
/// West, south, east, north: everything lies within, degrees.
pub const BOX: [f64; 4] = [119.87, 31.72, 120.03, 31.84];
/// The day from which everything holds, ISO.
pub const SINCE: &str = "2024-01-01";
/// The division codes the city uses: the province, the city, its districts and their towns and streets.
pub const DIVISIONS: &str = include_str!("../../samples/demo_city/divisions.csv");

/// Hundredths of a square metre: sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// The nearest to so many square metres.
    #[must_use]
    pub fn of(square_metres: f64) -> Self {
        Self((square_metres * 100.0).round() as i64)
    }

    /// As square metres.
    #[must_use]
    pub fn square_metres(self) -> f64 {
        self.0 as f64 / 100.0
    }

    fn times(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as i64)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A parcel, building or site of the demo city.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoAsset {
    /// Which of the three.
    pub layer: Layer,
    /// Its key in the data set.
    pub key: String,
    /// Its business code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// 坐落
    pub address: String,
    /// The district it lies in.
    pub region: &'static str,
    /// Who uses it: an index into the units.
    pub unit: Option<usize>,
    /// 权属登记情况
    pub title_status: Option<&'static str>,
    /// 用途
    pub usage: &'static str,
    /// 使用状态
    pub occupancy: &'static str,
    /// Idle since this day, ISO; before, it was in use.
    pub idle_since: Option<String>,
    /// Parcels: land by certificate. Buildings: floor area of all storeys. Sites: none.
    pub registered_area: Option<Hundredths>,
    /// Longitude and latitude.
    pub geometry: Option<Geometry<f64>>,
    /// 不动产单元号: parcels.
    pub unit_code: Option<String>,
    /// GB/T 21010-2017: parcels.
    pub land_use: Option<&'static str>,
    /// Storeys: buildings.
    pub storeys_above: Option<i16>,
    /// Storeys below ground: buildings.
    pub storeys_below: Option<i16>,
    /// 房屋结构: buildings.
    pub structure: Option<&'static str>,
    /// Year of completion: buildings.
    pub completed: Option<i16>,
    /// What the registry has no column for yet.
    pub attributes: BTreeMap<&'static str, String>,
}

/// Two assets that belong together: indices into their lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoRelation {
    /// The upper one: a site or parcel.
    pub upper: (Layer, usize),
    /// The lower one: a parcel or building.
    pub lower: (Layer, usize),
}

/// A division of the extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoDivision {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its English name, where it has one.
    pub name_en: Option<&'static str>,
    /// `province`, `city`, `county` or `township`.
    pub level: &'static str,
    /// The code of the one above.
    pub parent: Option<&'static str>,
}

/// The whole city.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoCity {
    /// 238 organisations, those above before those below.
    pub units: Vec<DemoUnit>,
    /// Parcels.
    pub parcels: Vec<DemoAsset>,
    /// 624 sites.
    pub sites: Vec<DemoAsset>,
    /// 1 500 buildings.
    pub buildings: Vec<DemoAsset>,
    /// Which stand on which.
    pub relations: Vec<DemoRelation>,
    /// 160 000 rooms.
    pub rooms: Vec<DemoRoom>,
    /// The book's titles of what is registered to the bureau.
    pub titles: Vec<DemoTitle>,
    /// What was filed, and what is kept in a unit's name.
    pub filings: Vec<DemoFiling>,
    /// Who sits in some of the offices.
    pub occupants: Vec<DemoOccupant>,
    /// Use agreements of the offices, with their certificates.
    pub agreements: Vec<DemoAgreement>,
    /// What units file and publish every year of their offices.
    pub use_filings: Vec<DemoUseFiling>,
    /// The cases that are open.
    pub cases: Vec<DemoCase>,
    /// Leases of what is let and of what is rented in.
    pub leases: Vec<DemoLease>,
    /// What was made wrong on purpose.
    pub faults: Vec<PlantedFault>,
    /// Streets, water, parks and other people's houses, as GeoJSON.
    pub ground: String,
}

/// Why a city could not be made. With the constants above this can't happen; a test makes one.
#[derive(Debug, thiserror::Error)]
pub enum DemoCityFailed {
    /// The plane it is drawn on is not known.
    #[error("the demo city's coordinate system is refused")]
    Crs(#[from] CrsRefused),
    /// It reaches beyond that plane.
    #[error("the demo city lies outside its coordinate system")]
    Outside(#[from] OutOfRange),
}

/// From metres around the city's middle to longitude and latitude.
struct Projector {
    conversion: Conversion,
}

impl Projector {
    /// The middle, 119.95° E 31.78° N, in EPSG:4549: CGCS2000, 3-degree Gauss–Kruger, central meridian 120° E.
    const MIDDLE: Coord<f64> = Coord {
        x: 495_265.0,
        y: 3_517_650.0,
    };

    fn new() -> Result<Self, DemoCityFailed> {
        Ok(Self {
            conversion: Conversion::to_storage(&Crs::from_epsg(4549)?)?,
        })
    }

    /// Eight decimals, a millimetre: what a file of a survey has, and no trace of the machine's arithmetic.
    fn line(&self, coords: &[Coord<f64>]) -> Result<LineString<f64>, DemoCityFailed> {
        let mut coords: Vec<_> = coords.iter().map(|coord| *coord + Self::MIDDLE).collect();
        self.conversion.coordinates(&mut coords)?;
        for coord in &mut coords {
            coord.x = (coord.x * 1e8).round() / 1e8;
            coord.y = (coord.y * 1e8).round() / 1e8;
        }
        Ok(LineString(coords))
    }

    fn polygon(&self, polygon: &Polygon<f64>) -> Result<Polygon<f64>, DemoCityFailed> {
        Ok(Polygon::new(self.line(&polygon.exterior().0)?, Vec::new()))
    }
}

impl DemoCity {
    /// Makes the city of a seed.
    ///
    /// # Errors
    /// [`DemoCityFailed`].
    pub fn generate(seed: u64) -> Result<Self, DemoCityFailed> {
        let mut sequence = Sequence::new(seed);
        let projector = Projector::new()?;
        let units = units::units(&mut sequence);
        let plan = plan::Plan::draw(sequence.next());
        let mut estate = estate::Estate::found(plan, units, &mut sequence);
        let mut faults = Faults::default();
        faults.bend_shapes(&mut estate);
        let mut assets = assets::assets(&estate, &projector, &mut sequence)?;
        let mut units = estate.units.clone();
        faults.spoil_assets(
            &estate,
            &mut assets.parcels,
            &mut assets.sites,
            &mut assets.buildings,
            &units,
        );
        let mut rooms = rooms::rooms(&estate, &assets.buildings, &units, &mut sequence);
        rooms::spoil(&mut rooms, &estate, &mut faults);
        seats::staff_units(&mut units, &mut rooms);
        let mut leases = leases::leases(&estate, &assets.parcels, &assets.buildings, &mut faults, &mut sequence);
        faults.spoil_units(&mut units);
        faults.spoil_papers(&estate, &mut assets.parcels, &mut assets.sites, &mut assets.buildings);
        // No more is let than the ledger says there is.
        for lease in &mut leases {
            if let Some(area) = assets.buildings[lease.index].registered_area {
                lease.area = lease.area.min(area);
            }
        }
        let mut titles = titles::titles(&estate, &assets.parcels, &assets.buildings, &units, &mut faults);
        let filings = titles::filings(&estate, &assets.parcels, &assets.buildings, &mut faults);
        faults.count_papers(&estate, &assets.parcels, &assets.sites);
        let occupants = seats::occupants(
            &estate,
            &assets.buildings,
            &mut units,
            &mut rooms,
            &mut faults,
            &mut sequence,
        );
        let agreements = agreements::agreements(&units, &assets.buildings, &rooms, &mut faults);
        left::plant(&assets.buildings, &mut faults);
        let use_filings = use_filings::use_filings(&units, &rooms, &occupants, &mut faults);
        cases::leave_unbuilt(&estate, &mut titles, &mut faults);
        let mut cases = cases::cases(&estate, &assets.parcels, &assets.buildings, &mut faults);
        cases::search_stock(&mut cases, &leases, &assets.buildings, &rooms, &mut faults);
        let ground = ground::geojson(&estate, &projector, seed)?;
        Ok(Self {
            units,
            parcels: assets.parcels,
            sites: assets.sites,
            buildings: assets.buildings,
            relations: assets.relations,
            rooms,
            titles,
            filings,
            occupants,
            agreements,
            use_filings,
            cases,
            leases,
            faults: faults.planted,
            ground,
        })
    }

    /// The planted faults as CSV.
    #[must_use]
    pub fn faults_csv(&self) -> String {
        faults::csv(&self.faults)
    }

    /// The leases as CSV.
    #[must_use]
    pub fn leases_csv(&self) -> String {
        leases::csv(&self.leases)
    }

    /// The divisions the city uses, those above before those below.
    #[must_use]
    pub fn divisions() -> Vec<DemoDivision> {
        fn given(field: Option<&'static str>) -> Option<&'static str> {
            field.filter(|field| !field.is_empty())
        }
        DIVISIONS
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut fields = line.split(',');
                Some(DemoDivision {
                    code: fields.next()?,
                    name: fields.next()?,
                    name_en: given(fields.next()),
                    level: fields.next()?,
                    parent: given(fields.next()),
                })
            })
            .collect()
    }
}
