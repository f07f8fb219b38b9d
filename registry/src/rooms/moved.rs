//! Rooms that are in another building from a day on, because theirs was split or merged.

use std::collections::HashMap;

use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Which rooms moved where. What hangs on them follows.
#[derive(Debug)]
pub struct RoomsMoved {
    /// The buildings that are no more.
    pub from: Vec<Uuid>,
    /// The building of each room from that day on.
    pub to: HashMap<Uuid, Uuid>,
    /// The building that all of them became, where it is one.
    pub heir: Option<Uuid>,
    /// The first day in the new buildings.
    pub on: Date,
    /// When it is recorded.
    pub now: OffsetDateTime,
}

impl RoomsMoved {
    /// The one building that these rooms are in from now on; none where they are in several. What has no rooms is where all
    /// went.
    #[must_use]
    pub fn building_of(&self, rooms: &[Uuid]) -> Option<Uuid> {
        let mut buildings = rooms.iter().filter_map(|room| self.to.get(room).copied());
        match buildings.next() {
            None => self.heir,
            Some(first) => buildings.all(|other| other == first).then_some(first),
        }
    }
}
