-- Why: a paper is read by whoever brought it and by those who see a case that has it (docs/adr/0013, 0019).

alter table document_use enable row level security;
create policy document_use_read on document_use for select using (
    (select scope_reads_all()) or scope_sees_object(holder_id));
create policy document_use_insert on document_use for insert with check (true);

alter table document enable row level security;
create policy document_read on document for select using (
    (select scope_reads_all())
    or brought_by = (select scope_actor())
    or exists (select from document_use u where u.document_id = document.id));
create policy document_insert on document for insert with check (true);
