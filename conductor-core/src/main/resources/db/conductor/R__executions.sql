-- What is going on, and what has been: live and finished executions with their states.
create or replace view ${schema}.executions as
select id, task, coalesce(queue, 'default') as queue,
       case when claimed_by is not null then 'running'
            when phase in ('due', 'held') then 'ready'
            when waiting_for is not null then 'waiting'
            else 'scheduled' end as state,
       coalesce(priority, 0) as priority, attempt, coalesce(max_attempts, 3) as max_attempts,
       run_at, created_at, claimed_at as started_at, null::timestamptz as finished_at, claimed_by as node,
       payload, headers, null::json as result, error, cancel_reason,
       case when claimed_by is null and phase not in ('due', 'held') then waiting_for end as waiting_for,
       progress, progress_message, parent_id
from ${schema}.execution
union all
select id, task, coalesce(queue, 'default'), state, coalesce(priority, 0), attempt, coalesce(max_attempts, 3),
       run_at, created_at, claimed_at, finished_at, null,
       payload, headers, result, error, cancel_reason,
       null, null, null, parent_id
from ${schema}.finished_execution;
