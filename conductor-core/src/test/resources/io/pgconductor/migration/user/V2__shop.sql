alter table shop add column name text;
