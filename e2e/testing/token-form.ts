/** A token of ours, wherever it stands: a JWT begins with two texts of JSON. Of what is sealed or made up any three letters may come by chance, `eyJ` too. */
export const tokenForm: RegExp = /eyJ[\w-]+\.eyJ|cs_rt_/
