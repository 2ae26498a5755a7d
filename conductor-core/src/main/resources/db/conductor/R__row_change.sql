-- The engine's own, called for the triggers on users' tables and to replay rows: enqueues an execution for a changed row. What is null comes from the task.
-- Locks nothing that others share, and fails for nothing that a row may hold: it runs in a user's transaction. Of one key's executions
-- that have not begun, the newest runs.
create or replace function ${schema}.row_changed(
    task text, payload json, headers json, queue text, priority int, max_attempts int, delay interval, coalesce_key text
) returns void
language plpgsql volatile
as $$
#variable_conflict use_variable
declare
    started   timestamptz := ${schema}.now();
    due_at    timestamptz := started + coalesce(delay, '0');
    new_queue text;
    new_phase text;
begin
    insert into ${schema}.execution as e
        (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, coalesce_key)
    select ${schema}.uuid_v7(), task, coalesce(queue, t.queue), coalesce(priority, t.priority),
           coalesce(max_attempts, t.max_attempts), payload, headers, started, due_at,
           case when due_at > started then 'future' when t.held is false then 'due' else 'held' end,
           -- A longer one doesn't fit into an index
           case when pg_catalog.length(coalesce_key) <= 512 then coalesce_key
                else pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce_key, 'UTF8')), 'hex') end
    from (values (1)) one left join ${schema}.task t on t.name = task
    returning e.queue, e.phase into new_queue, new_phase;
    if new_phase = 'due' then
        -- As wake does: inlined, since rows come by the hundred thousand
        if not pg_catalog.pg_try_advisory_xact_lock_shared(${schema}.wake_key('queue:' || new_queue)) then
            perform ${schema}.wake('queue:' || new_queue);
        end if;
    elsif new_phase = 'future' and due_at < started + interval '5 seconds' then
        perform ${schema}.wake('promoter');
    end if;
end
$$;

-- Intervals as ISO 8601 has them, whatever the session's style.
create or replace function ${schema}.iso_interval(value interval) returns text
language sql immutable parallel safe
set intervalstyle = 'iso_8601'
as $$ select value::text $$;

create or replace function ${schema}.iso_interval(value interval[]) returns text[]
language sql immutable parallel safe
set intervalstyle = 'iso_8601'
as $$ select value::text[] $$;

-- Likewise bytes.
create or replace function ${schema}.hex_bytes(value bytea[]) returns text[]
language sql immutable parallel safe
set bytea_output = 'hex'
as $$ select value::text[] $$;

-- Of claimed executions with a key, keeps those that are the newest of theirs: these begin now, and lose their key. Older ones vanish,
-- whoever has claimed them, unless they have begun. Newer ones wait for their own time: then what was claimed vanishes. Returns those
-- that begin, and whether there is more to drop first: nothing has begun then. Who drops a row locks it, but waits for none: another
-- who has locked one is about to decide on it, too.
create or replace function ${schema}.coalesce_claimed(
    node uuid, ids uuid[], claim_nos int[], most int, out begun uuid[], out more boolean)
language plpgsql volatile
as $$
begin
    with mine as (
        select e.id, e.task, e.coalesce_key
        from unnest(coalesce_claimed.ids, coalesce_claimed.claim_nos) as c (id, claim_no)
        join ${schema}.execution e on e.id = c.id and e.claimed_by = node and e.claim_no = c.claim_no
    ), newest as materialized (
        select k.task, k.coalesce_key, n.id
        from (select distinct m.task, m.coalesce_key from mine m) k
        cross join lateral (
            select e.id from ${schema}.execution e
            where e.task = k.task and e.coalesce_key = k.coalesce_key
            order by e.id desc limit 1) n
    ), older as materialized (
        select o.ctid
        from newest n
        cross join lateral (
            select e.ctid from ${schema}.execution e
            where e.task = n.task and e.coalesce_key = n.coalesce_key and e.id < n.id
            limit most for update skip locked) o
        limit most
    ), dropped as (
        delete from ${schema}.execution e where e.ctid = any (array (select o.ctid from older o))
    ), beginning as (
        update ${schema}.execution e set coalesce_key = null
        from mine m join newest n on n.id = m.id
        where e.id = m.id and e.claimed_by = node and e.coalesce_key is not null
          and (select count(*) from older) < most
        returning e.id
    )
    select array (select b.id from beginning b), (select count(*) from older) >= most
    into begun, more;
end
$$;
