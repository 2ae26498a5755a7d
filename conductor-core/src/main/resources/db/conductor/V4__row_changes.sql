-- Row changes: which triggers are installed on users' tables, and executions of which the newest of a key runs.
update ${schema}.schema_version set version = 4, min_compatible = 4;

-- Only those that have not begun have a key: who claims them keeps the newest, takes its key away, and drops the others.
alter table ${schema}.execution add column coalesce_key text;

create index execution_coalesce on ${schema}.execution (task, coalesce_key, id)
    where coalesce_key is not null;

-- PostgreSQL parses them anew for each statement that inserts: a third of what it costs to insert one execution. Phases are future, due,
-- held, parked and running; all but the first and the third need queue, priority and max_attempts. Waiting is for sleep, children, event
-- or window.
alter table ${schema}.execution
    drop constraint execution_check,
    drop constraint execution_phase_check,
    drop constraint execution_waiting_for_check;

-- A declaration that is installed: one capture function, and a trigger for each operation.
create table ${schema}.row_change (
    name         text   not null primary key,   -- of the function; the triggers' names begin with it
    task         text   not null,
    table_schema text   not null,
    table_name   text   not null,
    digest       text   not null,               -- of what was installed
    capture      text   not null,               -- the call of row_changed for a row r that is there
    key_columns  text[] not null,               -- the primary key, quoted; empty: the table has none
    key_types    text[] not null,
    application  text                           -- that has declared it
);

create index row_change_task on ${schema}.row_change (task, table_schema, table_name);
