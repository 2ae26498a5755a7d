-- The gates of limited tasks. These functions are the engine's own. The name of a gate is its task's; if a limit has a key, both keys
-- follow, each after a character that no name has, with the path they were found at: so it shows whether a gate is of the limits that
-- the task has by now.

-- What a payload has at a path, or that of a row that has changed; empty if there is nothing. Fails for nothing that JSON may hold: it
-- runs in a user's transaction.
create or replace function ${schema}.gate_key(payload json, path text[], row_path text[]) returns text
language plpgsql immutable parallel safe
as $$
declare
    value text;
begin
    if path is null or payload is null then
        return '';
    end if;
    begin
        value := coalesce(payload #>> path, payload #>> ('{new}' || path), payload #>> ('{new}' || row_path),
            payload #>> ('{old}' || path), payload #>> ('{old}' || row_path), '');
    exception when others then
        -- A NUL character, among others, can be written but not read
        return '';
    end;
    if pg_catalog.octet_length(value) > 200 or value ~ '[[:cntrl:]]' then
        return pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(value, 'UTF8')), 'hex');
    end if;
    return value;
end
$$;

-- How the key of a limit begins whose value is at a path.
create or replace function ${schema}.key_prefix(path text[]) returns text
language sql immutable parallel safe
as $$
    select case when path is null then ''
                when pg_catalog.octet_length(pg_catalog.array_to_string(path, '.')) <= 100
                    then pg_catalog.array_to_string(path, '.') || '='
                else pg_catalog.md5(pg_catalog.array_to_string(path, '.')) || '=' end
$$;

-- The gate of an execution; null if nothing limits its task.
create or replace function ${schema}.gate_of(task ${schema}.task, payload json) returns text
language plpgsql immutable parallel safe
as $$
begin
    if task.concurrency_path is null and task.rate_path is null then
        return task.gate;
    end if;
    return task.gate || E'\x01' || ${schema}.key_prefix(task.concurrency_path)
        || ${schema}.gate_key(payload, task.concurrency_path, task.concurrency_row_path)
        || E'\x01' || ${schema}.key_prefix(task.rate_path)
        || ${schema}.gate_key(payload, task.rate_path, task.rate_row_path);
end
$$;

-- The name of the rate that counts at a gate.
create or replace function ${schema}.rate_of(gate text) returns text
language sql immutable parallel safe
as $$
    select pg_catalog.split_part(gate, E'\x01', 1) || E'\x02' || pg_catalog.split_part(gate, E'\x01', 3)
$$;

-- The beginning of the names of all gates that share lanes with a gate, and the name itself if it has no keys.
create or replace function ${schema}.lanes_of(gate text) returns text
language sql immutable parallel safe
as $$
    select case when pg_catalog.strpos(gate, E'\x01') = 0 then gate
                else pg_catalog.split_part(gate, E'\x01', 1) || E'\x01' || pg_catalog.split_part(gate, E'\x01', 2) || E'\x01' end
$$;

-- The gates of a queue that something waits at, in their order.
create or replace function ${schema}.waiting_gates(queue text, after text, most int) returns setof text
language sql stable
as $$
    with recursive walk (gate, n) as (
        (select e.gate, 1 from ${schema}.execution e
         where e.queue = waiting_gates.queue and e.phase = 'due' and e.gate is not null
           and e.gate > (waiting_gates.after collate "C")
         order by e.queue, e.gate limit 1)
        union all
        select next.gate, w.n + 1 from walk w cross join lateral (
            select e.gate from ${schema}.execution e
            where e.queue = waiting_gates.queue and e.phase = 'due' and e.gate is not null and e.gate > w.gate
            order by e.queue, e.gate limit 1) next
        where w.n < most
    )
    select w.gate from walk w where most > 0 order by w.n
$$;

-- Claims executions of limited tasks. It looks at the gates in hints first, whose lanes have become free, and then at those that follow
-- upon "after", with another round from the beginning if there are not so many. Each gate that is open lets some through, in turns, so
-- that a gate with a million of them doesn't hold up another one's single one. Each lane gets so many as its task's depth allows:
-- they run one after another. So a node may also add to lanes that it has already, as long as these move fast. One node at a time
-- claims executions of a task: what it has counted cannot change meanwhile. What is locked by others is left alone. Returns a row for each
-- execution, or one without any. All of them say where to go on, whether the last of all gates has been looked at, whether all have,
-- whether another node was claiming, and the seconds until a gate opens that was closed by its rate or a pause.
create or replace function ${schema}.claim_gated(
    node uuid, queue text, tasks text[], depths int[], most int, hints text[], after text, gates int)
returns table (
    claimed ${schema}.execution, last text, ended boolean, complete boolean, busy boolean, opening float8)
language plpgsql volatile
-- One plan for all, which reads no table: whatever the statistics and the session say
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
    started  timestamptz := ${schema}.now();
    names    text[];
    walk     text[];
    rest     text[];
    visited  text[];
    holders  text[];
begin
    busy := false;
    names := array (
        select t.name from ${schema}.task t
        where t.name = any (claim_gated.tasks) and not t.paused
          and not exists (select from ${schema}.queue q where q.name = claim_gated.queue and q.paused)
          and not exists (select from ${schema}.node n where n.id = claim_gated.node and n.dead_at is not null));
    walk := array (select ${schema}.waiting_gates(claim_gated.queue, claim_gated.after, claim_gated.gates));
    ended := cardinality(walk) < claim_gated.gates;
    complete := ended and claim_gated.after = '';
    if ended and claim_gated.after <> '' then
        rest := array (select ${schema}.waiting_gates(claim_gated.queue, '', claim_gated.gates - cardinality(walk)));
        complete := cardinality(walk) + cardinality(rest) < claim_gated.gates
            or rest[cardinality(rest)] >= claim_gated.after collate "C";
        walk := walk || array (select g from unnest(rest) g where g <= claim_gated.after collate "C");
    end if;
    last := coalesce(walk[cardinality(walk)], '');
    visited := array (
        select g.gate from unnest(claim_gated.hints || walk) with ordinality as g (gate, n)
        group by g.gate order by min(g.n));
    if cardinality(visited) = 0 or cardinality(names) = 0 then
        return next;
        return;
    end if;

    -- As with the claim: what is lost with the server has never been
    perform pg_catalog.set_config('synchronous_commit', 'off', true);
    select array_agg(h.name) filter (where h.held), coalesce(bool_or(not h.held), false) into holders, busy
    from (select h.name, pg_catalog.pg_try_advisory_xact_lock(${schema}.wake_key('gate:' || h.name)) as held
          from (select distinct pg_catalog.split_part(g, E'\x01', 1) as name from unnest(visited) g) h) h;
    if holders is null then
        return next;
        return;
    end if;

    -- A new statement: it sees what those have claimed that had the lock before
    return query with limited as materialized (
        select t.name, t.gate, t.concurrency, t.concurrency_path, t.rate_limit, t.rate_period, t.rate_path,
               ${schema}.key_prefix(t.concurrency_path) as concurrency_prefix, ${schema}.key_prefix(t.rate_path) as rate_prefix,
               (select greatest(max(d.depth), 1) from unnest(claim_gated.tasks, claim_gated.depths) as d (name, depth)
                where d.name = t.name) as depth
        from ${schema}.task t where t.name = any (holders)
    ), part as materialized (
        select g.gate collate "C" as gate, g.n, pg_catalog.split_part(g.gate, E'\x01', 1) collate "C" as name,
               pg_catalog.split_part(g.gate, E'\x01', 2) collate "C" as concurrency_key,
               pg_catalog.split_part(g.gate, E'\x01', 3) collate "C" as rate_key,
               pg_catalog.strpos(g.gate, E'\x01') > 0 as keyed
        from unnest(visited) with ordinality as g (gate, n)
    ), gate as materialized (
        select p.gate, p.n, l.concurrency, l.rate_limit, l.rate_period, l.depth,
               case when p.keyed then p.name || E'\x01' || p.concurrency_key || E'\x01' else p.name end as lanes,
               case when p.keyed then p.name || E'\x01' || p.concurrency_key || E'\x02' else p.name || E'\x01' end as beyond,
               p.name || E'\x02' || p.rate_key as rate,
               -- What gates share is looked at once, at the first of them
               min(p.n) over (partition by p.name, p.concurrency_key) as lanes_no,
               min(p.n) over (partition by p.name, p.rate_key) as rate_no,
               count(*) over (partition by p.name, p.concurrency_key) > 1
                   or l.rate_limit is not null and count(*) over (partition by p.name, p.rate_key) > 1 as shares
        from part p
        cross join lateral (
            select l.* from limited l
            where l.name = p.name
              -- At another gate it waits for its new one, or for nothing, if nothing limits the task any more
              and (l.gate is null
                   or p.keyed = (l.concurrency_path is not null or l.rate_path is not null)
                       and pg_catalog.starts_with(p.concurrency_key, l.concurrency_prefix)
                       and (l.concurrency_path is not null or p.concurrency_key = '')
                       and pg_catalog.starts_with(p.rate_key, l.rate_prefix)
                       and (l.rate_path is not null or p.rate_key = ''))
            offset 0) l
    ), state as materialized (
        select g.gate, g.n, g.lanes, g.rate, g.lanes_no, g.rate_no, g.shares, g.depth, g.rate_limit, g.rate_period,
               first_value(l.free) over (partition by g.lanes_no order by g.n) as free,
               g.rate_limit - first_value(coalesce(u.uses, 0)) over (partition by g.rate_no order by g.n) as rate_left,
               first_value(u.first) over (partition by g.rate_no order by g.n) + g.rate_period as rate_next,
               (select max(p.until) from ${schema}.gate_pause p
                where p.gate in (g.rate, g.lanes) and p.until > started) as paused_until
        from gate g
        left join lateral (
            select array (
                       select free.lane from (
                           select pg_catalog.generate_series(1, g.concurrency) except select unnest(u.lanes)) as free (lane)
                       order by free.lane
                       limit greatest(0, least(most, g.concurrency - coalesce(cardinality(u.lanes), 0))))
                   || u.moving as free
            from (select array_agg(r.lane) as lanes, array_agg(r.lane) filter (where r.moving) as moving
                  from (select e.lane,
                               g.depth > 1 and count(*) <= g.depth and min(e.claimed_at) > started - interval '100 ms'
                                   and bool_and(e.claimed_by = claim_gated.node and e.queue = claim_gated.queue) as moving
                        from ${schema}.execution e
                        where e.phase = 'running' and e.lane is not null and e.gate >= g.lanes and e.gate < g.beyond
                        group by e.lane) r) u
            where g.lanes_no = g.n and g.concurrency is not null) l on true
        left join lateral (
            select sum(u.uses) as uses, min(u.at) as first from ${schema}.rate_use u
            where u.gate = g.rate and u.at > started - g.rate_period and g.rate_no = g.n) u on true
    ), outlook as materialized (
        select s.*, cardinality(s.free) as lanes_left,
               greatest(case when s.rate_left <= 0 then s.rate_next end, s.paused_until) as opens_at
        from state s
    ), open as materialized (
        select s.*, least(most, s.lanes_left * s.depth, s.rate_left,
                   1 + most / count(*) over ()) as wanted
        from outlook s
        where s.opens_at is null and coalesce(s.lanes_left, 1) > 0
    ), candidate as materialized (
        select o.n, o.rate, o.lanes_no, o.rate_no, o.shares, o.free, o.lanes_left, o.depth, o.rate_left,
               e.ctid, e.id, e.priority, e.run_at, e.turn
        from open o
        cross join lateral (
            select e.*, row_number() over () as turn from (
                select e.ctid, e.id, e.priority, e.run_at from ${schema}.execution e
                where e.queue = claim_gated.queue and e.phase = 'due' and e.gate = o.gate and e.gate is not null
                  and e.claimed_by is null and e.task = any (names)
                order by e.queue, e.gate, e.priority desc, e.run_at, e.id
                limit o.wanted for update skip locked) e) e
    ), ranked as (
        select c.*, c.turn as lane_rank, c.turn as rate_rank from candidate c where not c.shares
        union all
        select c.*, row_number() over (partition by c.lanes_no order by c.priority desc, c.run_at, c.id),
               row_number() over (partition by c.rate_no order by c.priority desc, c.run_at, c.id)
        from candidate c where c.shares
    ), chosen as materialized (
        select r.* from ranked r
        where (r.lanes_left is null or r.lane_rank <= r.lanes_left * r.depth)
          and (r.rate_left is null or r.rate_rank <= r.rate_left)
        order by r.priority desc, r.turn, r.n
        limit most
    ), taken as (
        update ${schema}.execution e
        set claimed_by = claim_gated.node, claimed_at = started, claim_no = e.claim_no + 1,
            attempt = e.attempt + case when e.waiting_for is null then 1 else 0 end,
            phase = 'running', lane = c.free[((c.lane_rank - 1) % c.lanes_left)::int + 1]
        from chosen c
        where e.ctid = c.ctid
        returning e
    ), used as (
        insert into ${schema}.rate_use (gate, at, uses)
        select c.rate, started, count(*) from chosen c where c.rate_left is not null group by c.rate
    ), forgotten as (
        delete from ${schema}.rate_use u
        using gate g
        where u.gate = g.rate and u.at <= started - g.rate_period and g.rate_no = g.n
    )
    select t.e,
           coalesce((select g.gate from gate g
                     where g.n = (select max(c.n) from chosen c where c.turn = 1) and g.gate = any (walk)
                       and (select count(*) from chosen) >= most), claim_gated.last),
           claim_gated.ended, claim_gated.complete, claim_gated.busy, o.opening
    from (select pg_catalog.date_part('epoch', min(o.opens_at) - started) as opening from outlook o) o
    left join taken t on true;
end
$$;

-- Closes gates for some seconds: somebody has asked to be left alone.
create or replace function ${schema}.pause_gates(gates text[], seconds float8[]) returns void
language plpgsql volatile
as $$
begin
    insert into ${schema}.gate_pause as p (gate, until)
    select c.name, ${schema}.now() + max(c.seconds) * interval '1 second'
    from (select case when t.rate_limit is null then ${schema}.lanes_of(g.gate) else ${schema}.rate_of(g.gate) end as name,
                 g.seconds
          from unnest(gates, pause_gates.seconds) as g (gate, seconds)
          join ${schema}.task t on t.name = pg_catalog.split_part(g.gate, E'\x01', 1)) c
    group by c.name
    order by c.name
    on conflict (gate) do update set until = greatest(p.until, excluded.until);
end
$$;

-- Gives executions that nobody has claimed the gate that they belong to by now, since the limits of tasks have changed: some of them
-- at a time, in the order of their ids. Returns whether there is more to do at once.
create or replace function ${schema}.regate(most int) returns boolean
language plpgsql volatile
as $$
#variable_conflict use_column
declare
    tasks   text[];
    from_id uuid;
    ids     uuid[];
begin
    if not pg_catalog.pg_try_advisory_xact_lock(${schema}.wake_key('regate')) then
        return false;
    end if;
    select array_agg(t.name), (array_agg(t.regated_to order by t.regated_to))[1] into tasks, from_id
    from ${schema}.task t where t.regated_to is not null;
    if tasks is null then
        return false;
    end if;
    ids := array (select e.id from ${schema}.execution e where e.id > from_id order by e.id limit most);
    perform ${schema}.regate(ids, tasks);
    update ${schema}.task t
    set regated_to = case when cardinality(ids) = most then ids[most] end
    where t.name = any (tasks) and t.regated_to = from_id;
    return cardinality(ids) = most
        or exists (select from ${schema}.task t where t.regated_to is not null);
end
$$;

-- The same for given executions, as far as they belong to the given tasks. Returns how many had another gate.
create or replace function ${schema}.regate(ids uuid[], tasks text[]) returns int
language plpgsql volatile
as $$
declare
    changed int;
    queues  text[];
begin
    with due as materialized (
        select e.id, case when t.gate is not null then ${schema}.gate_of(t, e.payload) end as gate
        from ${schema}.execution e join ${schema}.task t on t.name = e.task
        where e.id = any (ids) and e.task = any (tasks) and e.claimed_by is null
        order by e.id for update of e skip locked
    ), regated as (
        update ${schema}.execution e set gate = d.gate
        from due d where e.id = d.id and e.gate is distinct from d.gate
        returning e.queue, e.phase
    )
    select count(*), array_agg(distinct r.queue) filter (where r.phase = 'due') into changed, queues from regated r;
    perform ${schema}.wake('queue:' || q) from unnest(queues) q;
    return changed;
end
$$;
