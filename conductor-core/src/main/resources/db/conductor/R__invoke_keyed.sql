-- The engine's own: enqueues executions of which some have keys. Each of these says what to do when its key belongs to an execution already:
--   keep      nothing while that is live or retained, or the window of a throttle is open
--   replace   put this one in its place if it has not begun; else this one follows it, and has the key
--   throttle  nothing while the window is open, which the first one opens
--   debounce  put this one in its place if it is not due yet, and let it wait so long again; else this one follows it
-- So a key may be met by other rules than those by which it was taken: what is there already counts by the rule of who comes. Keys are
-- taken in one order, whatever that of the items: so two calls cannot wait for each other. Returns for each item which execution it
-- is part of now.
create or replace function ${schema}.invoke_keyed(
    task text, ids uuid[], payloads text[], headers text[], queues text[], priorities int[], run_ats timestamptz[],
    delays float8[], max_attempts int[], keys text[], rules text[], windows float8[], max_waits float8[],
    out executions uuid[], out registered boolean, out targets text[])
language plpgsql volatile
as $$
#variable_conflict use_column
declare
    started    timestamptz := ${schema}.now();
    definition ${schema}.task;
    item       record;
    own        ${schema}.execution_key;
    held_by    uuid;
    due_at     timestamptz;
    window_end timestamptz;
    touched    text[] := '{}';
begin
    select * into definition from ${schema}.task t where t.name = invoke_keyed.task;
    registered := found;
    executions := invoke_keyed.ids;
    for item in
        select i.*, coalesce(i.key, '') as name
        from unnest(invoke_keyed.ids, payloads, invoke_keyed.headers, queues, priorities, run_ats, delays,
                invoke_keyed.max_attempts, keys, rules, windows, max_waits) with ordinality
            as i (id, payload, headers, queue, priority, run_at, delay, max_attempts, key, rule, seconds, max_wait, place)
        order by coalesce(i.key, '') collate "C", i.place
    loop
        due_at := coalesce(item.run_at, started + item.delay * interval '1 second',
            case when item.rule = 'debounce' then started + item.seconds * interval '1 second' else started end);
        window_end := case when item.rule = 'throttle' then started + item.seconds * interval '1 second' end;
        held_by := null;
        loop
            exit when item.rule is null;
            if item.rule in ('keep', 'throttle') then
                -- One statement: no execution is on its way from live to finished in its snapshot
                select k.execution_id into held_by from ${schema}.execution_key k
                where k.task = invoke_keyed.task and k.key = item.name
                  and (k.window_until > started
                       or item.rule = 'keep' and (
                           exists (select from ${schema}.execution e where e.id = k.execution_id)
                           or exists (select from ${schema}.finished_execution f where f.id = k.execution_id)));
                exit when found;
            end if;
            insert into ${schema}.execution_key (task, key, execution_id, window_until, first_at)
            values (invoke_keyed.task, item.name, item.id, window_end, started)
            on conflict (task, key) do nothing;
            exit when found;
            select * into own from ${schema}.execution_key k
            where k.task = invoke_keyed.task and k.key = item.name for update;
            continue when not found;
            if item.rule in ('keep', 'throttle') then
                -- Somebody may have taken it before it was locked
                continue when own.window_until > started
                    or item.rule = 'keep' and (
                        exists (select from ${schema}.execution e where e.id = own.execution_id)
                        or exists (select from ${schema}.finished_execution f where f.id = own.execution_id));
            else
                if item.rule = 'debounce' then
                    due_at := least(due_at, case when item.max_wait is not null
                        then greatest(started, own.first_at + item.max_wait * interval '1 second') end);
                end if;
                with replaced as (
                    update ${schema}.execution e
                    set payload = item.payload::json, headers = item.headers::json,
                        queue = coalesce(item.queue, definition.queue),
                        priority = coalesce(item.priority, definition.priority),
                        max_attempts = coalesce(item.max_attempts, definition.max_attempts), run_at = due_at,
                        phase = case when due_at > started then 'future' when definition.held is false then 'due' else 'held' end,
                        gate = case when definition.gate is not null
                                    then ${schema}.gate_of(definition, item.payload::json) end
                    where e.id = own.execution_id and e.attempt = 0 and e.claimed_by is null
                      and e.cancel_requested_at is null and (item.rule = 'replace' or e.phase = 'future')
                    returning e.id, e.queue, e.phase, e.run_at
                )
                select r.id, array_append(touched, case
                           when r.phase = 'due' then 'queue:' || r.queue
                           when r.phase = 'future' and r.run_at < started + interval '5 seconds' then 'promoter' end)
                into held_by, touched
                from (values (1)) one left join replaced r on true;
                exit when held_by is not null;
                if item.rule = 'debounce' then
                    due_at := started + item.seconds * interval '1 second';
                end if;
            end if;
            update ${schema}.execution_key k
            set execution_id = item.id, window_until = window_end, first_at = started
            where k.task = invoke_keyed.task and k.key = item.name;
            exit;
        end loop;
        if held_by is not null then
            executions[item.place] := held_by;
            continue;
        end if;
        with created as (
            insert into ${schema}.execution
                (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, gate, dedupe_key)
            values (
                item.id, invoke_keyed.task, coalesce(item.queue, definition.queue),
                coalesce(item.priority, definition.priority), coalesce(item.max_attempts, definition.max_attempts),
                item.payload::json, item.headers::json, started, due_at,
                case when due_at > started then 'future' when definition.held is false then 'due' else 'held' end,
                case when definition.gate is not null then ${schema}.gate_of(definition, item.payload::json) end,
                case when item.rule is not null then item.name end)
            returning queue, phase, run_at
        )
        select array_append(touched, case
                   when c.phase = 'due' then 'queue:' || c.queue
                   when c.phase = 'future' and c.run_at < started + interval '5 seconds' then 'promoter' end)
        into touched from created c;
    end loop;
    targets := array (
        select t.name from (select distinct unnest(touched) as name) t
        where t.name is not null and ${schema}.wake(t.name) is not null);
end
$$;

-- Locks the keys of executions. Whoever ends executions that nobody holds locks keys first: so does who replaces one.
create or replace function ${schema}.lock_keys(executions uuid[]) returns void
language sql volatile
as $$
    select from ${schema}.execution_key k
    where k.ctid = any (array (
        select k.ctid from ${schema}.execution e
        join ${schema}.execution_key k on k.task = e.task and k.key = e.dedupe_key and k.execution_id = e.id
        where e.id = any (executions) and e.dedupe_key is not null))
    order by k.task, k.key for update
$$;
