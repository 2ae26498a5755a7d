package io.pgconductor.sample.execution;

import java.util.UUID;

import io.pgconductor.sample.web.NotFoundException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Executions over HTTP.
 */
@RestController
@RequestMapping("/executions")
class ExecutionController {

	private final Executions executions;

	ExecutionController(Executions executions) {
		this.executions = executions;
	}

	@GetMapping("/{id}")
	ExecutionView find(@PathVariable UUID id) {
		return this.executions.find(id).orElseThrow(() -> new NotFoundException("There is no execution " + id));
	}

}
