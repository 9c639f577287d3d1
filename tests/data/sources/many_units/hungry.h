// A constant table that the compiler evaluates whole: it takes some 300 MB and three seconds.
#pragma once

template <unsigned Count> struct Table {
    unsigned values[Count];
    constexpr Table() : values() {
        for (unsigned index = 0; index < Count; ++index) {
            values[index] = index * 2654435761u;
        }
    }
};

constexpr Table<1u << 20> TABLE{};

unsigned HUNGRY(unsigned index) {
    return TABLE.values[index];
}
