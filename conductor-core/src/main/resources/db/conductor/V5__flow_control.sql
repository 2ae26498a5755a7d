-- Flow control: keys, limits, batches, pauses.
update ${schema}.schema_version set version = 5, min_compatible = 5;

-- Which execution a key belongs to: the only arbiter between those who invoke with the same key. A window is that of a throttle or a
-- debounce; without one a key is held as long as its execution is live or retained.
create table ${schema}.execution_key (
    task         text        not null,
    key          text        not null,           -- empty: the task's own, of a throttle or debounce without a key
    execution_id uuid        not null,
    window_until timestamptz,
    first_at     timestamptz not null,           -- of the invocations that a debounce has made one
    primary key (task, key)
) with (fillfactor = 70, vacuum_truncate = off);

create index execution_key_window on ${schema}.execution_key (window_until)
    where window_until is not null;

-- Not indexed: whoever ends an execution looks whether it still has its key.
alter table ${schema}.execution add column dedupe_key text;
alter table ${schema}.finished_execution add column dedupe_key text;
alter type ${schema}.ended add attribute dedupe_key text;

-- What limits a task: so many at once, so many per period; of each key that is found in the payload at a path. The second path is
-- for the rows of a table, which have names of their own.
alter table ${schema}.task
    add column gate                 text collate "C", -- null: nothing does; else the task's name, for its former names, too
    add column concurrency          int,
    add column concurrency_path     text[],
    add column concurrency_row_path text[],
    add column rate_limit           int,
    add column rate_period          interval,
    add column rate_path            text[],
    add column rate_row_path        text[],
    add column regated_to           uuid,             -- its executions are looked at, since this has changed: up to this one so far
    add column paused               boolean not null default false;

create index task_paused on ${schema}.task (name)
    where paused;

create table ${schema}.queue (
    name   text    not null primary key,
    paused boolean not null
);

-- A gate is what limits let through one by one: executions of one task whose keys are the same. Those that a claim lets
-- through are 'running', and on a lane: what is on the same lane runs one after another. So a limit is the number of lanes, and what is
-- used of it is told by the executions themselves.
alter table ${schema}.execution
    alter column gate type text collate "C",
    add column lane int;

create index execution_gated on ${schema}.execution (queue, gate, priority desc, run_at, id)
    where phase = 'due' and gate is not null;
create index execution_running on ${schema}.execution (gate, lane)
    where phase = 'running';

-- What of a rate was used, and when.
create table ${schema}.rate_use (
    gate text        collate "C" not null,
    at   timestamptz not null,
    uses int         not null
) with (vacuum_truncate = off);

create index rate_use_gate on ${schema}.rate_use (gate, at) include (uses);
create index rate_use_at on ${schema}.rate_use (at);

-- Gates that are closed for some time, since somebody has asked to be left alone.
create table ${schema}.gate_pause (
    gate  text        collate "C" not null primary key,
    until timestamptz not null
) with (vacuum_truncate = off);

-- invoke takes more arguments than before: whoever could call it can do so still. Its own script follows.
create function ${schema}.invoke(
    task text, payload jsonb default null, queue text default null, priority int default null,
    run_at timestamptz default null, delay interval default null, max_attempts int default null, headers jsonb default null,
    dedupe_key text default null, on_duplicate text default null, throttle interval default null,
    debounce interval default null, max_wait interval default null
) returns uuid
language sql as 'select null::uuid';

do $$
declare
    former  oid := pg_catalog.to_regprocedure(
        '${schema}.invoke(text, jsonb, text, int, timestamptz, interval, int, jsonb)');
    present regprocedure :=
        '${schema}.invoke(text, jsonb, text, int, timestamptz, interval, int, jsonb, text, text, interval, interval, interval)';
    granted record;
begin
    if former is null then
        return;
    end if;
    if (select p.proacl is not null from pg_catalog.pg_proc p where p.oid = former) then
        execute pg_catalog.format('revoke all on function %s from public', present);
    end if;
    for granted in
        select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as grantee,
               case when a.is_grantable then ' with grant option' else '' end as option
        from pg_catalog.pg_proc p cross join lateral pg_catalog.aclexplode(p.proacl) a
        where p.oid = former and a.grantee <> p.proowner
    loop
        execute pg_catalog.format('grant execute on function %s to %s%s', present, granted.grantee, granted.option);
    end loop;
    execute pg_catalog.format('drop function %s', former::regprocedure);
end
$$;
