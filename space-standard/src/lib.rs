//! The area standard of party and government offices (《党政机关办公用房建设标准》, 发改投资〔2014〕2674号, "2674"),
//! with its arithmetic.
//!
//! Everything is worked out step by step, and every step holds its name, its formula, the values that went in, the
//! result and where the figure comes from: page, API and documents show the same arithmetic. Areas are in m² and exact
//! decimals; use area (使用面积) and building area (建筑面积) are never added to each other.

mod calculation;
mod grade;
mod level;
mod old_standard;
mod parameters;
mod room;
mod step;

pub use calculation::{
    Ancillary, Calculation, CalculationRefused, Estimate, Excess, HeightClass, Order, excess, service_area_m2,
};
pub use grade::{Grade, RankRefused, grades};
pub use level::Level;
pub use old_standard::{OldFigure, old_limit, old_per_head};
pub use parameters::{Parameters, ServiceRooms, TownshipLimits};
pub use room::{Occupant, RoomCheck, Verdict, check_room};
pub use step::{Measure, Source, Step, Words};
