-- Queries: what finds executions among millions that are finished. The live table gets no further index.
update ${schema}.schema_version set version = 6;

create index finished_execution_task on ${schema}.finished_execution (task, id);
create index finished_execution_failed on ${schema}.finished_execution (id)
    where state <> 'completed';
create index finished_execution_error on ${schema}.finished_execution (id)
    where error is not null;
