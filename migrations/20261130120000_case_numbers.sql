-- Why: a case has a number that people can say to each other; what is received first has the lower one.
alter table title_case
    add column number bigint generated always as identity constraint title_case_number_key unique;
