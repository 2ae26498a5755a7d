-- The engine's own, called for the triggers on users' tables and to replay rows: enqueues an execution for a changed row. What is null
-- comes from the task. Locks nothing that others share, and fails for nothing that a row may hold: it runs in a user's transaction. Of
-- one key's executions that have not begun, the newest runs. Returns who has something to do.
create or replace function ${schema}.row_changed(
    task text, payload json, headers json, queue text, priority int, max_attempts int, delay interval, coalesce_key text
) returns text
language plpgsql volatile
as $$
#variable_conflict use_variable
declare
    started    timestamptz := ${schema}.now();
    due_at     timestamptz := started;
    definition record;
    gate       text;
    new_phase  text;
begin
    if delay > '0' then
        due_at := started + delay;
    end if;
    if pg_catalog.octet_length(coalesce_key) > 512 then
        -- Doesn't fit into an index
        coalesce_key := pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce_key, 'UTF8')), 'hex');
    end if;
    -- Apart from the insert, which costs less without a join
    select t.queue, t.priority, t.max_attempts, t.held, t.gate into definition from ${schema}.task t where t.name = task;
    if definition.gate is not null then
        select ${schema}.gate_of(t, payload) into gate from ${schema}.task t where t.name = task;
    end if;
    queue := coalesce(queue, definition.queue);
    new_phase := case when due_at > started then 'future' when definition.held is false then 'due' else 'held' end;
    insert into ${schema}.execution
        (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, coalesce_key, gate)
    values (${schema}.uuid_v7(), task, queue, coalesce(priority, definition.priority),
        coalesce(max_attempts, definition.max_attempts), payload, headers, started, due_at, new_phase, coalesce_key, gate);
    if new_phase = 'due' then
        -- As wake does: inlined, since rows come by the hundred thousand
        if not pg_catalog.pg_try_advisory_xact_lock_shared(${schema}.wake_key('queue:' || queue)) then
            perform ${schema}.wake('queue:' || queue);
        end if;
        return 'queue:' || queue;
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
