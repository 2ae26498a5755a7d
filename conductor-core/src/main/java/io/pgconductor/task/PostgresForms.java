package io.pgconductor.task;

import java.time.OffsetTime;
import java.time.Period;
import java.util.Base64;
import java.util.HexFormat;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.ValueDeserializerModifier;
import tools.jackson.databind.deser.std.DelegatingDeserializer;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.type.ArrayType;

/**
 * Has Jackson accept what PostgreSQL writes otherwise: {@code bytea}, the offset of a
 * {@code timetz}, and an {@code interval} of nothing. None of these forms means anything
 * else to Jackson, so they do no harm inside of a {@code jsonb}.
 */
final class PostgresForms extends SimpleModule {

	private static final String HEX = "\\x";

	private static final Pattern HOURS_OF_OFFSET = Pattern.compile("(?<=:\\d\\d(\\.\\d{1,9})?)[+-]\\d\\d$");

	private static final String NOTHING = "PT0S";

	PostgresForms() {
		super(PostgresForms.class.getName());
		setDeserializerModifier(new Modifier());
	}

	private static String base64(String text) {
		if (!text.startsWith(HEX)) {
			return text;
		}
		return Base64.getEncoder().encodeToString(HexFormat.of().parseHex(text, HEX.length(), text.length()));
	}

	private static String offsetTime(String text) {
		return HOURS_OF_OFFSET.matcher(text).find() ? text + ":00" : text;
	}

	private static String period(String text) {
		return text.equals(NOTHING) ? Period.ZERO.toString() : text;
	}

	private static final class Modifier extends ValueDeserializerModifier {

		@Override
		public ValueDeserializer<?> modifyDeserializer(DeserializationConfig config, BeanDescription.Supplier bean,
				ValueDeserializer<?> deserializer) {
			if (bean.getBeanClass() == OffsetTime.class) {
				return new OfText(deserializer, PostgresForms::offsetTime);
			}
			if (bean.getBeanClass() == Period.class) {
				return new OfText(deserializer, PostgresForms::period);
			}
			return deserializer;
		}

		@Override
		public ValueDeserializer<?> modifyArrayDeserializer(DeserializationConfig config, ArrayType type,
				BeanDescription.Supplier bean, ValueDeserializer<?> deserializer) {
			return type.hasRawClass(byte[].class) ? new OfText(deserializer, PostgresForms::base64) : deserializer;
		}

	}

	/**
	 * Reads a text as if it were another one.
	 */
	private static final class OfText extends DelegatingDeserializer {

		private final transient UnaryOperator<String> form;

		OfText(ValueDeserializer<?> delegatee, UnaryOperator<String> form) {
			super(delegatee);
			this.form = form;
		}

		@Override
		protected ValueDeserializer<?> newDelegatingInstance(ValueDeserializer<?> delegatee) {
			return new OfText(delegatee, this.form);
		}

		@Override
		public Object deserialize(JsonParser parser, DeserializationContext context) throws JacksonException {
			if (parser.hasToken(JsonToken.VALUE_STRING)) {
				String text = parser.getString();
				String read = read(text, context);
				if (!read.equals(text)) {
					try (JsonParser other = context.getNodeFactory().stringNode(read).traverse(context)) {
						other.nextToken();
						return super.deserialize(other, context);
					}
				}
			}
			return super.deserialize(parser, context);
		}

		private String read(String text, DeserializationContext context) {
			try {
				return this.form.apply(text);
			}
			catch (IllegalArgumentException ex) {
				throw context.weirdStringException(text, handledType(), String.valueOf(ex.getMessage()));
			}
		}

	}

}
