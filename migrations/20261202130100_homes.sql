-- Why: a home for staff for a time (周转住房) is a room of its own type: it is no office space, and what is due to a unit
-- doesn't count it.

alter table room_version
    drop constraint room_version_room_type_known,
    add constraint room_version_room_type_known check (room_type in
        ('office', 'service', 'equipment', 'ancillary', 'technical', 'shop', 'public', 'turnover_housing'));
create index room_version_homes on room_version (building_id) where room_type = 'turnover_housing';
