-- Why: what an inspection found by mistake is declared void: it stays to be read, and counts no longer. What the checks had found
-- can then be taken over again.

alter table inspection_finding_version
    drop constraint inspection_finding_version_state_known,
    drop constraint inspection_finding_version_rectified_whole,
    add constraint inspection_finding_version_state_known check (state in ('open', 'rectified', 'confirmed', 'void')),
    add constraint inspection_finding_version_rectified_whole check (state in ('open', 'void') or rectified_by is not null);

drop index inspection_finding_version_taken_once;
create unique index inspection_finding_version_taken_once on inspection_finding_version (inspection_id, finding_id)
    where upper_inf(recorded) and state <> 'void';
