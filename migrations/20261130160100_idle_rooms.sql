-- Why: what is idle is asked for by building, and the idle rooms are a few of many.

create index room_version_idle on room_version (building_id) where occupancy = 'idle' and upper_inf(recorded);
