package io.pgconductor.autoconfigure;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo;
import io.pgconductor.OrchestratorInfo.State;

/**
 * Stands in where a test has put a mock of the client in the conductor's place: there is
 * nothing to run on.
 */
final class IdleOrchestrator implements Orchestrator {

	@Override
	public void start() {
	}

	@Override
	public void stop() {
	}

	@Override
	public void drain() {
	}

	@Override
	public CompletionStage<Void> stopped() {
		return CompletableFuture.completedStage(null);
	}

	@Override
	public OrchestratorInfo info() {
		return new OrchestratorInfo(null, State.NEW, false, null, null, Map.of());
	}

}
