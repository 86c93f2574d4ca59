/**
 * What everybody chooses, in lower case and sorted; only what is long enough to pass the other rules. Short on purpose: the
 * limits on failed sign-ins stop guessing long before a longer list would.
 */
export const commonPasswords: ReadonlySet<string> = new Set([
  'correct horse battery staple',
  'hello world',
  ...`
    !qaz2wsx 0123456789 0987654321 10203040 102030405060 11223344 1122334455 112233445566 12121212 123123123
    123321123 12341234 12344321 12345678 123456789 1234567890 123456789a 12345678a 123456abc 1234abcd 1234qwer
    123qweasd 123qweasdzxc 13131313 147258369 147852369 159357456 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx
    1qaz2wsx3edc 1qaz@wsx 1qazxsw2 20202020 2wsx3edc 31415926 3rjs1la7qe 87654321 987654321 9876543210 a1234567
    a12345678 a123456789 aa123456 aa12345678 abc12345 abc123456 abc123abc abcd1234 abcd12345 abcdef123 abcdefg1
    abcdefgh abcdefghi access14 adidas123 admin123 admin1234 admin12345 administrator alexander alexander1
    anthony1 apple123 arsenal1 asd12345 asdasd123 asdasdasd asdf1234 asdfasdf asdfghjk asdfghjkl asdfghjkl1
    asdfjkl1 ashley123 azerty123 azertyuiop barcelona barcelona1 baseball baseball1 basketball batman123
    beautiful beautiful1 benjamin bigdaddy blink182 brooklyn butterfly butterfly1 changeme changeme1 changeme123
    charlie1 charlotte chelsea1 chocolate chocolate1 christian christopher cocacola computer computer1
    correcthorsebatterystaple corvette countersign countersign1 courtney creative danielle december default1
    diamond1 discovery dolphin1 dragon12 dragon123 elephant elizabeth estrella everything fernando flower123
    football football1 football123 forever1 forever21 franklin freedom1 friends1 fuckyou1 fuckyou123 gabriel1
    garfield goldfish google123 guitar123 hannah123 harrypotter heather1 hello123 hello1234 hellokitty helloworld
    hunter123 iloveyou iloveyou! iloveyou1 iloveyou123 iloveyou2 internet isabella jackson1 january1 jasmine1
    jennifer jennifer1 jessica1 jonathan jordan23 juventus killer123 kimberly kingkong lakers24 letmein1
    letmein123 liverpool liverpool1 london123 lovelove lovely123 loveyou1 madison1 magic123 manchester marie123
    marina123 marlboro maverick megaman1 melissa1 mercedes metallica michael1 michelle michelle1 midnight
    minecraft minecraft1 minnie12 monkey12 monkey123 monster1 mustang1 myspace1 nicholas nicole123 nintendo
    november p@ssw0rd p@ssw0rd1 p@ssword p@ssword1 pa$$w0rd pa$$word passpass passw0rd passw0rd1 password
    password! password0 password1 password1! password12 password123 password123! password1234 password2 password3
    patricia peanut123 phoenix1 playboy1 pokemon1 pokemon123 portugal president princess princess1 princess123
    q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx123 qazwsxedc qazwsxedc123 qwaszx12 qweasd123 qweasdzxc qweqweqwe
    qwer1234 qwerqwer qwert123 qwert12345 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyui
    qwertyuiop qwertyuiop1 rainbow1 rebecca1 remember samantha samantha1 scorpion secret123 security september
    service1 shadow123 skywalker snowball softball spiderman spiderman1 spongebob standard starwars starwars1
    stephanie sterling straight strawberry summer123 sunflower sunshine sunshine1 superman superman1 superman123
    superstar sweetheart swordfish test1234 test12345 testing1 testing123 testtest thomas123 thunder1 tinkerbell
    trustno1 twilight undertaker username valentina valentine vanessa1 veronica victoria victoria1 volleyball
    welcome1 welcome12 welcome123 welcome2024 welcome2025 welcome2026 whatever whatever1 william1 windows1
    winston1 winter123 wordpass xbox360x yankees1 yourname zaq12wsx zaq1xsw2 zaq1zaq1 zxcv1234 zxcvbnm1
    zxcvbnm123 zxcvbnma
  `
    .trim()
    .split(/\s+/),
])
