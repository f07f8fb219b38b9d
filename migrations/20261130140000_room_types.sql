-- Why: the space standard counts a room by what it is for (基本办公用房, 附属用房, 技术业务用房): without its type no
-- area can be held against what is due, and a leader's rest room and washroom count with the office they belong to.

alter table room_version
    -- 房间类型
    add column room_type text,
    -- What it serves for within its type: a meeting room, a canteen.
    add column purpose text,
    -- The office whose rest room or washroom it is.
    add column part_of_id uuid constraint room_version_part_of_fkey references room,
    -- 技术业务用房依据: the approval or the standard that says so.
    add column type_basis text,
    add constraint room_version_room_type_known check (room_type in
        ('office', 'service', 'equipment', 'ancillary', 'technical', 'shop', 'public')),
    add constraint room_version_purpose_of_type check (purpose is null or room_type is not null),
    add constraint room_version_not_own_part check (part_of_id <> object_id);
create index room_version_by_unit on room_version (unit_id) where unit_id is not null;
create index room_version_by_part on room_version (part_of_id) where part_of_id is not null;
