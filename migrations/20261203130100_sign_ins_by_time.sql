-- Why: attempts under names that are nobody's are told of the quarter of an hour in which they were made, and not where they
-- were added up, among what came later.

create index sign_in_event_by_time on sign_in_event (happened_at, id);
drop index sign_in_event_by_person;
create index sign_in_event_by_person on sign_in_event (person_id, happened_at, id);
