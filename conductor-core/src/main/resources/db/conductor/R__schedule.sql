-- What is wrong with a cron expression, as far as can be told here; null if nothing is. Expressions of five fields are checked, but for L, W
-- and #. Those of six fields, and whether there ever is such a date, are up to the node that computes the first tick.
create or replace function ${schema}.cron_problem(cron text) returns text
language plpgsql immutable
as $$
declare
    fields   text[] := pg_catalog.regexp_split_to_array(pg_catalog.lower(cron collate "C"), ' +');
    names    text[] := array['minute', 'hour', 'day of month', 'month', 'day of week'];
    least    int[]  := array[0, 0, 1, 1, 0];
    most     int[]  := array[59, 23, 31, 12, 7];
    longest  int[]  := array[60, 24, 31, 12, 7];  -- steps
    months   text[] := array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
    days     text[] := array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
    part     text;
    bounds   text[];
    bound    text;
    first    int;
    number   int;
begin
    if cron is null or pg_catalog.length(cron) > 200 or cron ~ '[^!-~ ]|^ | $' collate "C" then
        return 'use 1 to 200 printable ASCII characters, no space at either end';
    end if;
    if cron ~ '^@' then
        return case when pg_catalog.lower(cron collate "C") ~ '^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$' then null
                    else 'use @yearly, @monthly, @weekly, @daily or @hourly' end;
    end if;
    if cardinality(fields) not in (5, 6) then
        return 'use five fields (minute, hour, day of month, month, day of week), or six that begin with the second';
    end if;
    if cardinality(fields) = 6 then
        return case when cron !~ '^[0-9A-Za-z*?,/# -]+$' then 'it has characters that no cron expression has' end;
    end if;
    for i in 1..5 loop
        continue when i in (3, 5) and (fields[i] = '?' or fields[i] ~ case i when 3 then '[lw]' else '[l#]' end);
        foreach part in array pg_catalog.string_to_array(fields[i], ',') loop
            number := case when part ~ '^(\*|[0-9a-z]+(-[0-9a-z]+)?)(/[0-9]{1,4})?$'
                           then coalesce(nullif(pg_catalog.split_part(part, '/', 2), '')::int, 1) end;
            if number is null or number not between 1 and longest[i] then
                return 'its ' || names[i] || ' cannot be ' || pg_catalog.quote_literal(fields[i]);
            end if;
            bounds := pg_catalog.string_to_array(pg_catalog.split_part(part, '/', 1), '-');
            continue when bounds = array['*'];
            first := null;
            foreach bound in array bounds loop
                number := case when bound ~ '^[0-9]{1,4}$' then bound::int
                               when i = 4 then pg_catalog.array_position(months, bound)
                               when i = 5 then pg_catalog.array_position(days, bound) - 1 end;
                if number is null or number < least[i] or number > most[i] then
                    return 'its ' || names[i] || ' cannot be ' || pg_catalog.quote_literal(fields[i]);
                end if;
                if number < first and not (i = 5 and number = 0) then
                    return 'its ' || names[i] || ' ' || pg_catalog.quote_literal(fields[i]) || ' ends before it begins';
                end if;
                first := case when i = 5 and number = 7 then 0 else number end;
            end loop;
        end loop;
    end loop;
    return null;
end
$$;

-- Makes a schedule for a task, or replaces the one of that name, in the caller's transaction. The same as ConductorClient.schedule:
--   select ${schema}.schedule('send-digest', '0 9 * * *', '{"kind": "daily"}', name => 'morning', zone => 'Europe/Vienna');
create or replace function ${schema}.schedule(
    task    text,
    cron    text,
    payload jsonb default null,
    name    text  default null,
    zone    text  default 'UTC',
    misfire text  default 'run_once',
    overlap text  default 'allow'
) returns void
language plpgsql volatile
as $$
#variable_conflict use_column
declare
    schedule_name text := coalesce(schedule.name, schedule.task);
    problem       text := ${schema}.cron_problem(schedule.cron);
begin
    if schedule.task is null or schedule.task !~ '^[^[:cntrl:]]{1,200}$' or schedule.task ~ '^\s|\s$' then
        raise exception 'task must be 1 to 200 characters without control characters and outer white space, was %',
            pg_catalog.quote_nullable(schedule.task) using errcode = 'invalid_parameter_value';
    end if;
    if schedule_name !~ '^[^[:cntrl:]]{1,200}$' or schedule_name ~ '^\s|\s$' then
        raise exception 'name must be 1 to 200 characters without control characters and outer white space, was %',
            pg_catalog.quote_literal(schedule_name) using errcode = 'invalid_parameter_value';
    end if;
    if problem is not null then
        raise exception 'cron % cannot be used: %', pg_catalog.quote_nullable(schedule.cron), problem
            using errcode = 'invalid_parameter_value';
    end if;
    -- That view reads files by the hundred
    if schedule.zone is null or schedule.zone <> 'UTC'
        and not exists (select from ${schema}.schedule s where s.zone = schedule.zone and s.error is null)
        and not exists (select from pg_catalog.pg_timezone_names z where z.name = schedule.zone) then
        raise exception 'zone must be the name of a time zone, such as Europe/Vienna or UTC, was %',
            pg_catalog.quote_nullable(schedule.zone) using errcode = 'invalid_parameter_value';
    end if;
    if coalesce(schedule.misfire, '') not in ('run_once', 'skip') or coalesce(schedule.overlap, '') not in ('allow', 'skip') then
        raise exception 'misfire must be run_once or skip, and overlap allow or skip; they were % and %',
            pg_catalog.quote_nullable(schedule.misfire), pg_catalog.quote_nullable(schedule.overlap)
            using errcode = 'invalid_parameter_value';
    end if;
    perform ${schema}.put_schedule(schedule.task, schedule_name, schedule.cron, schedule.zone, schedule.payload::json,
        schedule.misfire, schedule.overlap);
end
$$;

-- The engine's own: stores a schedule that was checked. One that says the same already is left alone. Its next tick changes only with
-- the expression, and none that has gone by since the transaction began comes again. One that is paused stays so.
create or replace function ${schema}.put_schedule(
    task text, name text, cron text, zone text, payload json, misfire text, overlap text) returns void
language plpgsql volatile
as $$
#variable_conflict use_column
begin
    insert into ${schema}.schedule as s
        (task, name, cron, zone, payload, misfire, overlap, declared, changed_at, next_run_at)
    values (put_schedule.task, put_schedule.name, put_schedule.cron, put_schedule.zone, put_schedule.payload,
            put_schedule.misfire, put_schedule.overlap, false, ${schema}.now(), '-infinity')
    on conflict (task, name) do update
    set cron = excluded.cron, zone = excluded.zone, payload = excluded.payload, misfire = excluded.misfire,
        overlap = excluded.overlap, declared = false, application = null, error = null,
        changed_at = case when (s.cron, s.zone) = (excluded.cron, excluded.zone) and s.error is null then s.changed_at
                          else greatest(excluded.changed_at, s.changed_at) end,
        next_run_at = case when s.paused then null
                           when (s.cron, s.zone) = (excluded.cron, excluded.zone) and s.error is null then s.next_run_at
                           else excluded.next_run_at end
    where (s.cron, s.zone, s.payload::text, s.misfire, s.overlap, s.declared, s.error) is distinct from
        (excluded.cron, excluded.zone, excluded.payload::text, excluded.misfire, excluded.overlap, false, null);
    perform ${schema}.wake('promoter');
end
$$;

-- Removes a schedule. Returns whether there was one. One that an application declares comes back when that starts.
create or replace function ${schema}.unschedule(task text, name text default null) returns boolean
language plpgsql volatile
as $$
#variable_conflict use_column
begin
    delete from ${schema}.schedule s
    where s.task = unschedule.task and s.name = coalesce(unschedule.name, unschedule.task);
    return found;
end
$$;

-- Stops a schedule until it is resumed, over all restarts. Returns whether it ran before.
create or replace function ${schema}.pause_schedule(task text, name text default null) returns boolean
language plpgsql volatile
as $$
#variable_conflict use_column
begin
    update ${schema}.schedule s set paused = true, next_run_at = null
    where s.task = pause_schedule.task and s.name = coalesce(pause_schedule.name, pause_schedule.task) and not s.paused;
    return found;
end
$$;

-- Lets a paused schedule go on with its next tick. What it would have fired meanwhile is not made up for.
create or replace function ${schema}.resume_schedule(task text, name text default null) returns boolean
language plpgsql volatile
as $$
#variable_conflict use_column
begin
    update ${schema}.schedule s
    set paused = false, changed_at = greatest(${schema}.now(), s.changed_at),
        next_run_at = case when s.error is null then '-infinity'::timestamptz end
    where s.task = resume_schedule.task and s.name = coalesce(resume_schedule.name, resume_schedule.task) and s.paused;
    if found then
        perform ${schema}.wake('promoter');
        return true;
    end if;
    return false;
end
$$;

-- All schedules.
create or replace view ${schema}.schedules as
select task, name, cron, zone, payload, misfire, overlap, declared, application, paused, error,
       nullif(next_run_at, '-infinity') as next_run_at, last_run_at, last_execution_id
from ${schema}.schedule;
