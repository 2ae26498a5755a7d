-- The only clock by which things are due. One line, stable, without SET and without security definer, so that the planner inlines
-- it and can use it in index conditions. It is the start of the transaction. Tests travel in time by replacing it.
create or replace function ${schema}.now() returns timestamptz
language sql stable parallel safe
as 'select pg_catalog.now()';
