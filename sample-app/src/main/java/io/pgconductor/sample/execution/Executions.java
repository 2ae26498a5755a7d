package io.pgconductor.sample.execution;

import java.util.List;
import java.util.Optional;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import org.springframework.stereotype.Component;

/**
 * Looks executions up, together with their children.
 */
@Component
public class Executions {

	private final ConductorClient conductor;

	Executions(ConductorClient conductor) {
		this.conductor = conductor;
	}

	/**
	 * Look an execution up.
	 * @param id the execution's id
	 * @return what the HTTP API tells about it, or empty if there is none (any more)
	 */
	public Optional<ExecutionView> find(UUID id) {
		return this.conductor.find(id).map((execution) -> ExecutionView.of(execution, childrenOf(execution)));
	}

	private List<Execution> childrenOf(Execution execution) {
		return execution.children().stream().map(this.conductor::find).flatMap(Optional::stream).toList();
	}

}
