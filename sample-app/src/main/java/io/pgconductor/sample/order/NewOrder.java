package io.pgconductor.sample.order;

import jakarta.validation.constraints.Email;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;

/**
 * What a customer sends to order something.
 *
 * @param customer the customer's e-mail address
 * @param item what is ordered
 * @param quantity how many of it
 */
record NewOrder(
		@NotBlank(message = "must be given") @Email(message = "must be an e-mail address") @Size(max = 254,
				message = "must have at most 254 characters") String customer,
		@NotBlank(message = "must be given") @Size(max = 100, message = "must have at most 100 characters") @Pattern(
				regexp = "[^\\p{Cntrl}\\p{Cs}]*", message = "must not contain control characters") String item,
		@NotNull(message = "must be given") @Min(value = 1, message = "must be at least 1") @Max(value = 1000,
				message = "must be at most 1000") Integer quantity) {
}
