package io.pgconductor.annotation;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.springframework.core.GenericTypeResolver;
import org.springframework.core.ResolvableType;

/**
 * Replaces the type variables of generic superclasses and interfaces by what a class
 * binds them to.
 */
@SuppressWarnings("rawtypes")
final class PayloadType {

	private final Map<TypeVariable, Type> bindings;

	PayloadType(Class<?> implementationClass) {
		this.bindings = GenericTypeResolver.getTypeVariableMap(implementationClass);
	}

	/**
	 * Resolve a type.
	 * @param type a type that may have variables
	 * @return a type without variables and wildcards
	 * @throws IllegalArgumentException if a variable is not bound
	 */
	Type resolve(Type type) {
		if (type instanceof TypeVariable<?> variable) {
			Type bound = this.bindings.get(variable);
			if (bound == null) {
				throw new IllegalArgumentException("the type variable " + variable.getName() + " of "
						+ variable.getGenericDeclaration() + " is not bound to a type");
			}
			return resolve(bound);
		}
		if (type instanceof WildcardType wildcard) {
			return resolve(wildcard.getUpperBounds()[0]);
		}
		if (type instanceof ParameterizedType parameterized) {
			ResolvableType[] arguments = Arrays.stream(parameterized.getActualTypeArguments())
				.map(this::resolve)
				.map(ResolvableType::forType)
				.toArray(ResolvableType[]::new);
			return ResolvableType.forClassWithGenerics((Class<?>) parameterized.getRawType(), arguments).getType();
		}
		if (type instanceof GenericArrayType array) {
			Type component = resolve(array.getGenericComponentType());
			return (component instanceof Class<?> componentClass) ? componentClass.arrayType()
					: new GenericArray(component);
		}
		return type;
	}

	/**
	 * Visit all classes that a resolved type is made of.
	 * @param type a resolved type
	 * @param visitor is given each class
	 */
	static void visit(Type type, Consumer<Class<?>> visitor) {
		if (type instanceof Class<?> plain) {
			visitor.accept(plain.isArray() ? innermost(plain) : plain);
		}
		else if (type instanceof ParameterizedType parameterized) {
			visit(parameterized.getRawType(), visitor);
			Arrays.stream(parameterized.getActualTypeArguments()).forEach((argument) -> visit(argument, visitor));
		}
		else if (type instanceof GenericArrayType array) {
			visit(array.getGenericComponentType(), visitor);
		}
	}

	private static Class<?> innermost(Class<?> array) {
		Class<?> component = array;
		while (component.isArray()) {
			component = component.getComponentType();
		}
		return component;
	}

	/**
	 * Return the type argument of a generic type such as {@code Optional
	 *
	<P>
	 * }.
	 * @param type the generic type, unresolved
	 * @return its argument, unresolved; {@code null} if the type is raw or its argument
	 * an unbounded wildcard
	 */
	static @Nullable Type argumentOf(Type type) {
		if (!(type instanceof ParameterizedType parameterized)) {
			return null;
		}
		Type argument = parameterized.getActualTypeArguments()[0];
		boolean unbounded = argument instanceof WildcardType wildcard && wildcard.getUpperBounds()[0] == Object.class;
		return unbounded ? null : argument;
	}

	private record GenericArray(Type component) implements GenericArrayType {

		@Override
		public Type getGenericComponentType() {
			return this.component;
		}

		@Override
		public String getTypeName() {
			return this.component.getTypeName() + "[]";
		}

	}

}
