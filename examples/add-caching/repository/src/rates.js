/** The rate of a currency, from a service that takes its time. */
export const rates = (service) => ({ rate: (currency) => service(currency) });
