-- The engine's own, called for the triggers on users' tables and to replay rows: enqueues an execution for a changed row. What is null comes from the task.
-- Locks nothing that others share, and fails for nothing that a row may hold: it runs in a user's transaction. Of one key's executions
-- that have not begun, the newest runs. Returns who has something to do.
create or replace function ${schema}.row_changed(
    task text, payload json, headers json, queue text, priority int, max_attempts int, delay interval, coalesce_key text
) returns text
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
        return 'queue:' || new_queue;
    elsif new_phase = 'future' and due_at < started + interval '5 seconds' then
        perform ${schema}.wake('promoter');
        return 'promoter';
    end if;
    return null;
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
